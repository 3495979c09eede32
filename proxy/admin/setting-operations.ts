import { z } from 'zod'
import { type Balance, balances, type Pool } from '../domain/channel.ts'
import { defaultFailover, failoverActions, type FailoverSettings } from '../domain/failover.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'
import { done } from './schemas.ts'
import { type RuleProblems, type SettingKind, settingKind } from './setting-kind.ts'

export interface SettingParts extends RuleProblems {
  readonly settings: {
    /** Undefined where nothing is set: the default counts. */
    get(name: string): Promise<unknown>
    set(name: string, value: unknown, expectedRevision?: string): Promise<void>
    remove(name: string, expectedRevision?: string): Promise<boolean>
  }
}

/** A `FailoverSettings`. */
const FAILOVER = 'failover'
/** A `Balance` by `Pool`, `failover` where nothing is said. */
const LOAD_BALANCE = 'strategies'

const seconds = z.number().min(0).max(3600)
const failover = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        errorCodes: z.string().max(1000).describe('Statuses (401,403), a status with a subtype (429:NAME), or others'),
        actionChain: z
          .array(
            z.strictObject({
              action: z.enum(failoverActions),
              waitSeconds: seconds.default(0).describe('0 is as long as the upstream says'),
              maxAttempts: z.int().min(1).max(99).default(1).describe('Of a retry; 99 is without end'),
            }),
          )
          .max(20),
      }),
    )
    .max(200),
  genericResourceWaitSeconds: seconds.default(defaultFailover.resourceWaitSeconds),
  modelCooldownExtraSeconds: seconds.default(defaultFailover.cooldownExtraSeconds),
  modelCooldownMaxWaitSeconds: seconds.default(defaultFailover.cooldownMaxWaitSeconds),
})
const balance = z.enum(balances)
export const loadBalance = z.strictObject({ messages: balance, responses: balance, chat: balance, search: balance })

/** The same settings as a document has them. */
export const failoverKind: SettingKind = settingKind({
  stored: FAILOVER,
  schema: failover,
  shown,
  toStored: settingsOf,
  problems: problemsOf,
})
export const loadBalanceKind: SettingKind = settingKind({
  stored: LOAD_BALANCE,
  schema: loadBalance,
  shown: shownBalances,
  toStored: (said) => said,
})

const described = { tag: 'Settings', access: 'admin', hasRevision: true } as const
const ofFailover = { ...described, path: '/api/config/failover' } as const
const ofBalance = { ...described, path: '/api/config/load-balance' } as const

/** What holds for all channels. */
export function settingOperations(parts: SettingParts): readonly DocumentedOperation[] {
  return [...failoverOperations(parts), ...balanceOperations(parts)]
}

function failoverOperations({ settings, ruleProblems }: SettingParts): readonly DocumentedOperation[] {
  const read = async (): Promise<FailoverSettings> =>
    ((await settings.get(FAILOVER)) as FailoverSettings | undefined) ?? defaultFailover // safe: written below
  return [
    operation(
      {
        ...ofFailover,
        id: 'getFailover',
        method: 'GET',
        summary: 'What is done after a failed attempt',
        description: 'The exact subtype counts before the status, and that before `others`.',
        answer: failover,
      },
      async () => ({ body: shown(await read()) }),
    ),
    operation(
      {
        ...ofFailover,
        id: 'setFailover',
        method: 'PUT',
        summary: 'Says what is done after a failed attempt, whole',
        body: failover,
        example: {
          rules: [
            {
              errorCodes: '429',
              actionChain: [{ action: 'retry', waitSeconds: 5, maxAttempts: 3 }, { action: 'failover' }],
            },
            { errorCodes: '401,403', actionChain: [{ action: 'failover' }] },
          ],
        },
        answer: done,
      },
      async ({ body, expectedRevision }) => {
        const after = settingsOf(body)
        const problems = problemsOf(after, { ruleProblems })
        if (problems.length > 0) throw requestInvalid(problems)
        const before = await read()
        await settings.set(FAILOVER, after, expectedRevision)
        return {
          body: { success: true, message: 'Failover rules set' },
          audit: { target: FAILOVER, before: shown(before), after: body },
        }
      },
    ),
    operation(
      {
        ...ofFailover,
        path: '/api/config/failover/reset',
        id: 'resetFailover',
        method: 'POST',
        summary: 'Goes back to the rules that come with this version',
        answer: done,
      },
      async ({ expectedRevision }) => {
        const before = await read()
        await settings.remove(FAILOVER, expectedRevision)
        return {
          body: { success: true, message: 'Failover rules reset' },
          audit: { target: FAILOVER, before: shown(before), after: shown(defaultFailover) },
        }
      },
    ),
  ]
}

/** How one of several healthy channels is picked, by pool. */
export async function balanceIn(settings: SettingParts['settings']): Promise<Record<Pool, Balance>> {
  const set = ((await settings.get(LOAD_BALANCE)) ?? {}) as Partial<Record<Pool, Balance>> // safe: written below
  return shownBalances(set)
}

function balanceOperations({ settings }: SettingParts): readonly DocumentedOperation[] {
  const read = (): Promise<Record<Pool, Balance>> => balanceIn(settings)
  return [
    operation(
      {
        ...ofBalance,
        id: 'getLoadBalance',
        method: 'GET',
        summary: 'How one of several healthy channels is picked, by pool',
        answer: loadBalance,
      },
      async () => ({ body: await read() }),
    ),
    operation(
      {
        ...ofBalance,
        id: 'setLoadBalance',
        method: 'PUT',
        summary: 'Says how one of several healthy channels is picked, for every pool',
        body: loadBalance,
        answer: done,
      },
      async ({ body, expectedRevision }) => {
        const before = await read()
        await settings.set(LOAD_BALANCE, body, expectedRevision)
        return {
          body: { success: true, message: 'Load balance set' },
          audit: { target: 'load balance', before, after: body },
        }
      },
    ),
  ]
}

function shownBalances(set: Partial<Record<Pool, Balance>>): Record<Pool, Balance> {
  const of = (pool: Pool): Balance => set[pool] ?? 'failover'
  return { messages: of('messages'), responses: of('responses'), chat: of('chat'), search: of('search') }
}

function problemsOf({ rules }: FailoverSettings, { ruleProblems }: RuleProblems) {
  return ruleProblems(rules).map((message) => ({ field: 'rules', message }))
}

function shown(settings: FailoverSettings) {
  return {
    rules: settings.rules.map(({ codes, chain }) => ({ errorCodes: codes, actionChain: chain })),
    genericResourceWaitSeconds: settings.resourceWaitSeconds,
    modelCooldownExtraSeconds: settings.cooldownExtraSeconds,
    modelCooldownMaxWaitSeconds: settings.cooldownMaxWaitSeconds,
  }
}

function settingsOf(body: z.output<typeof failover>): FailoverSettings {
  return {
    rules: body.rules.map(({ errorCodes, actionChain }) => ({ codes: errorCodes, chain: actionChain })),
    resourceWaitSeconds: body.genericResourceWaitSeconds,
    cooldownExtraSeconds: body.modelCooldownExtraSeconds,
    cooldownMaxWaitSeconds: body.modelCooldownMaxWaitSeconds,
  }
}
