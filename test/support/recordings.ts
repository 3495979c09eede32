import type { Recording } from '../../proxy/domain/recording.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { oldestRetainedId } from '../../proxy/store/retention.ts'

/** What was kept of a call that began at the instant. */
export function recordingAt(createdAt: number, more: Partial<Recording> = {}): Recording {
  const time = oldestRetainedId(createdAt)
  const body = Buffer.from('{"model":"claude-fake"}')
  return {
    id: time + ulid().slice(time.length),
    createdAt,
    request: { method: 'POST', path: '/v1/messages', headers: { accept: '*/*' }, body, bodyBytes: body.length },
    response: { status: 200, headers: {}, body: Buffer.from('data: {}\n\n'), bodyBytes: 5000 },
    ...more,
  }
}
