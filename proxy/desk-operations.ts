import { createAuditor } from './admin/auditor.ts'
import type { AuditEntry, AuditStore } from './domain/audit.ts'
import { GatewayError } from './domain/errors.ts'
import type { Actor, Change, Operation, OperationCall } from './domain/operation.ts'
import { ulid } from './domain/ulid.ts'

/** Who is at the machine may do everything. */
const CLI: Actor = { id: null, name: 'cli', isAdmin: true, tenantId: null }
/** What is the same in each line of the audit log. */
const AT_DESK = { actor: CLI, address: CLI.name, requestId: '' }

const OK = 200

/** Where it is written down who has changed what. */
export interface DeskAudit {
  readonly store: Pick<AuditStore, 'append'>
  /** Told of lines that could not be written; they hold no secrets. */
  readonly onLost: (entries: readonly AuditEntry[], cause: unknown) => void
}

/** Writes a change that no operation of the admin API made under the name of one. */
export type TellChange = (operation: string, change: Change) => Promise<void>

export function tellingChanges(audit: DeskAudit): TellChange {
  const auditor = createAuditor({ ...audit, newId: ulid })
  return (id, change) => {
    const line = { ...AT_DESK, target: change.target, at: Date.now(), error: null }
    auditor.record({ ...line, operation: { id, isWrite: true }, status: OK, change })
    return auditor.settled()
  }
}

type Said = Partial<Pick<OperationCall, 'params' | 'query' | 'body'>>

/** Performs an operation by its id, and answers the body. Throws `GatewayError` and `StoreError`. */
export type PerformAtDesk = (operationId: string, said?: Said) => Promise<unknown>

/** Operations of the admin API for who is at the machine. Writes, and refusals of writes, come into the audit log. */
export function performingAtDesk(operations: readonly Operation[], audit: DeskAudit | undefined): PerformAtDesk {
  const auditor = audit && createAuditor({ ...audit, newId: ulid })
  return async (operationId, { params = {}, query = {}, body } = {}) => {
    const operation = operations.find(({ id }) => id === operationId)
    if (operation === undefined) throw new Error(`there is no operation ${operationId}`)
    const now = Date.now()
    const line = { ...AT_DESK, operation, target: Object.values(params).join('/'), at: now }
    const written = operation.isWrite ? auditor : undefined
    try {
      const call = { params, query, body, actor: CLI, expectedRevision: undefined, host: undefined, now }
      const answer = await operation.perform(call)
      written?.record({ ...line, status: answer.status, error: null, change: answer.audit })
      return answer.body
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      written?.record({ ...line, status: error.status, error: error.code, change: undefined })
      throw error
    } finally {
      await written?.settled()
    }
  }
}
