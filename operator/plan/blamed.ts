import type { ApiKeyStoreStatus } from '../api/api-key-store-status.ts'
import { type ConditionType, conditionTypes } from '../api/reasons.ts'
import { type Finding, type Findings, finding } from './finding.ts'
import { findingBefore, type PlannedStatus } from './report.ts'

/** The status, with a cause that keeps the store from being as the spec says. */
export function blamed(status: PlannedStatus, cause: Finding, isStalled: boolean): PlannedStatus {
  const told: Pick<Findings, 'Ready' | 'Reconciling' | 'Stalled'> = {
    Ready: { ...cause, status: 'False' },
    Reconciling: isStalled ? finding('False', cause.reason) : { ...cause, status: 'True' },
    Stalled: isStalled ? { ...cause, status: 'True' } : finding('False', 'NotStalled'),
  }
  return { ...status, findings: { ...status.findings, ...told } }
}

/** Of a spec that nothing can be made of: all else is as it was. */
export function statusOfInvalid(status: ApiKeyStoreStatus, generation: number, problems: string): PlannedStatus {
  const { conditions: _, ...kept } = status
  const types = Object.keys(conditionTypes) as ConditionType[] // safe: of its own keys
  const findings = types.map((type) => [type, findingBefore(status, type) ?? finding('Unknown', 'InvalidSpec')])
  const before = Object.fromEntries(findings) as Findings // safe: one for each type
  return blamed(
    { ...kept, observedGeneration: generation, findings: before },
    finding('False', 'InvalidSpec', problems),
    true,
  )
}
