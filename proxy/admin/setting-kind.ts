import type { z } from 'zod'
import type { FieldProblem } from '../domain/errors.ts'
import type { FailoverRule } from '../domain/failover.ts'

/** What a setting is held against besides its schema. */
export interface RuleProblems {
  /** What is wrong with rules, in sentences. */
  readonly ruleProblems: (rules: readonly FailoverRule[]) => readonly string[]
}

type ReadSetting =
  | { readonly kind: 'setting'; readonly value: object }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] }

/** A setting, as a document of the whole configuration has it. */
export interface SettingKind {
  /** Its name in the store. */
  readonly stored: string
  readonly schema: z.ZodType
  /** A value of the store in the words of the API. */
  readonly shown: (value: unknown) => unknown
  /** The other direction, of what the schema has passed. */
  readonly read: (said: unknown, rules: RuleProblems) => ReadSetting
}

interface SettingSpec<S extends z.ZodType, Value extends object> {
  readonly stored: string
  readonly schema: S
  readonly shown: (value: Value) => unknown
  readonly toStored: (said: z.output<S>) => Value
  /** What the schema cannot see. */
  readonly problems?: (value: Value, rules: RuleProblems) => readonly FieldProblem[]
}

export function settingKind<S extends z.ZodType, Value extends object>(spec: SettingSpec<S, Value>): SettingKind {
  const { stored, schema, shown, toStored, problems: problemsOf = () => [] } = spec
  return {
    stored,
    schema,
    shown: (value) => shown(value as Value), // safe: written below, or by the operation of the setting
    read(said, rules) {
      const value = toStored(said as z.output<S>) // safe: it has passed the schema
      const problems = problemsOf(value, rules)
      return problems.length === 0 ? { kind: 'setting', value } : { kind: 'invalid', problems }
    },
  }
}
