import type { AuditedCall, AuditEntry, AuditStore } from '../domain/audit.ts'
import { storable } from '../domain/storable.ts'
import { maskedJson } from './mask.ts'

export interface Auditor {
  /** Never throws, and never waits. */
  record: (call: AuditedCall) => void
  /** Resolves when what was recorded so far is written or reported as lost. */
  settled: () => Promise<void>
}

interface AuditorParts {
  readonly store: Pick<AuditStore, 'append'>
  readonly newId: () => string
  /** Told of lines that could not be written: they hold no secrets, and belong into the log then. */
  readonly onLost: (entries: readonly AuditEntry[], cause: unknown) => void
}

const MINUTE_MS = 60_000
/** Refusals of those who are no administrators, of all of them together and in a minute of one process. */
const MAX_REFUSED = 60
/** Lines that wait for a database that is slow. */
const MAX_WAITING = 1000

/**
 * Writes calls into the audit log, one batch after another, behind the answers: an operation does not wait for it, and
 * is not undone when the line cannot be written. So what could not be written is handed to `onLost`.
 *
 * Whoever has no admin key could fill the table with refusals. Of those one line is kept for each caller, operation
 * and minute, and no more than `MAX_REFUSED` lines a minute: that somebody tries is seen, and every try is in the log.
 */
export function createAuditor({ store, newId, onLost }: AuditorParts): Auditor {
  let waiting: AuditEntry[] = []
  let writing: Promise<void> | undefined
  let minute = 0
  const refused = new Set<string>()

  const isWorthALine = ({ actor, address, operation, error, at }: AuditedCall): boolean => {
    if (error === null || actor.isAdmin) return true
    if (Math.floor(at / MINUTE_MS) !== minute) {
      minute = Math.floor(at / MINUTE_MS)
      refused.clear()
    }
    const caller = `${actor.id ?? address} ${operation.id}`
    if (refused.has(caller) || refused.size === MAX_REFUSED) return false
    refused.add(caller)
    return true
  }
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await store.append(batch).catch((cause: unknown) => onLost(batch, cause))
    }
    writing = undefined
  }

  return {
    record: (call) => {
      if (!isWorthALine(call)) return
      const entry = entryOf(newId(), call)
      if (waiting.length === MAX_WAITING) onLost([entry], new Error('too many lines wait for the database'))
      else waiting.push(entry)
      writing ??= write()
    },
    settled: () => writing ?? Promise.resolve(),
  }
}

function entryOf(id: string, call: AuditedCall): AuditEntry {
  const { actor, address, operation, target, change, status, error, requestId, at } = call
  return {
    id,
    at,
    actorId: actor.id,
    actor: storable(actor.id === null ? address : actor.name),
    operation: operation.id,
    target: storable(change?.target ?? target) || null,
    httpStatus: status,
    error,
    requestId,
    before: operation.isWrite && change?.before ? maskedJson(change.before) : null,
    after: operation.isWrite && change?.after ? maskedJson(change.after) : null,
  }
}
