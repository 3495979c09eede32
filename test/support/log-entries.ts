import type { Entry } from '../../proxy/domain/entry.ts'
import type { LoggedEntry } from '../../proxy/domain/log.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { oldestRetainedId } from '../../proxy/store/retention.ts'
import { closedEntry } from './entries.ts'

/** The entry of a call that was admitted at the instant. */
export function entryAt(admittedAt: number, more: Partial<Entry> = {}): Entry {
  const time = oldestRetainedId(admittedAt)
  return closedEntry({ id: time + ulid().slice(time.length), admittedAt, ...more })
}

/** The entry as it is read, of a call of which nothing else was kept. */
export function logged(entry: Entry): LoggedEntry {
  return { ...entry, hasRecording: false }
}
