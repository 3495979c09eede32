import { isQuotaRefusal } from '../api/quota.ts'
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
  const said = error.explanation ?? error.message
  const detail = `${object}: ${said}`
  if (error.status !== 403) return finding('False', 'InvalidSpec', detail)
  return finding('False', isQuotaRefusal(said) ? 'QuotaExceeded' : 'Forbidden', detail)
}
