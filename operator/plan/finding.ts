import { type ConditionType, type Reason, reasons } from '../api/reasons.ts'

/** A condition, but for when it came. */
export interface Finding {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
}

export type Findings = Readonly<Record<ConditionType, Finding>>

/** With what the reason says, and what is known besides. */
export function finding(status: Finding['status'], reason: Reason, detail?: string): Finding {
  const text: { readonly means: string; readonly todo?: string } = reasons[reason]
  return { status, reason, message: [text.means, detail, text.todo].filter((part) => part !== undefined).join(' ') }
}
