import { Readable } from 'node:stream'
import { GatewayError } from '../domain/errors.ts'
import type { LoggedEntry, LogWatch } from '../domain/log.ts'
import { ulid } from '../domain/ulid.ts'
import { shownLog } from './log-item.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { iso } from './schemas.ts'

export interface LogStreamParts {
  readonly watch: LogWatch
}

/** What waits for a listener that reads slowly; whoever has more waiting is dropped. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Calls as they end. */
export function logStreamOperation({ watch }: LogStreamParts): DocumentedOperation {
  const checked = operation(
    {
      id: 'streamLogs',
      method: 'GET',
      path: '/api/logs/stream',
      tag: 'Logs',
      access: 'admin',
      summary: 'The calls of all processes as they end, as server-sent events',
      description:
        'First `connected` with a `clientId`, then `log:created` with a call as the list has it, and `heartbeat` when nothing happens; each is `{type, data, timestamp}`. A listener that reads too slowly is dropped. What is missed meanwhile is in the list.',
      answer: null,
      errors: ['overloaded'],
    },
    () => Promise.resolve({}),
  )
  return {
    ...checked,
    status: 200,
    async perform(call) {
      await checked.perform(call)
      return { status: 200, events: eventsOf(watch, call.now) }
    },
  }
}

function eventsOf(watch: LogWatch, now: number): Readable {
  let leave: (() => void) | undefined
  const events = new Readable({
    read: () => {},
    destroy: (error, done) => {
      leave?.()
      done(error)
    },
  })
  events.push(event('connected', { clientId: ulid() }, now))
  leave = watch.join({
    tell(entries, at) {
      for (const text of told(entries, at)) events.push(text)
      if (events.readableLength > MAX_WAITING_BYTES) events.destroy()
    },
    end: () => events.push(null),
  })
  if (leave !== undefined) return events
  const message = 'Too many SSE connections'
  throw new GatewayError('overloaded', { message, legacy: message })
}

function told(entries: readonly LoggedEntry[], at: number): readonly string[] {
  if (entries.length === 0) return [event('heartbeat', {}, at)]
  return entries.map((entry) => event('log:created', shownLog(entry), at))
}

function event(type: string, data: object, at: number): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, data, timestamp: iso(at) })}\n\n`
}
