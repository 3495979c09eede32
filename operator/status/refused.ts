import { blamed } from '../plan/blamed.ts'
import { type Finding, finding } from '../plan/finding.ts'
import type { PlannedStatus } from '../plan/report.ts'

interface Refused {
  readonly object: string
  readonly error: { readonly status: number; readonly message: string; readonly explanation: string | undefined }
}

/** The status, with what the API server has refused. What it refuses for the spec's sake it will refuse again. */
export function withRefusals(status: PlannedStatus, refusals: readonly Refused[]): PlannedStatus {
  const [first] = refusals
  if (first === undefined) return status
  return blamed(status, findingOf(first), first.error.status !== 403)
}

function findingOf({ object, error }: Refused): Finding {
  const detail = `${object}: ${error.explanation ?? error.message}`
  if (error.status !== 403) return finding('False', 'InvalidSpec', detail)
  return finding('False', error.explanation?.includes('exceeded quota') ? 'QuotaExceeded' : 'Forbidden', detail)
}
