import type { Json, Trial } from './trial.ts'

function rule(message: string, accepted: Json, refused: Json): Trial {
  const base = { storeRef: { name: 'gateway' } }
  return { kind: 'ApiKey', message, base, accepted: { spec: accepted }, refused: { spec: refused } }
}

function change(message: string, before: Json, accepted: Json, refused: Json): Trial {
  return { ...rule(message, accepted, refused), before: { spec: before } }
}

const generated = { credential: { generate: { secretName: 'ci-key' } } }
const given = { credential: { fromSecret: { name: 'ci-key' } } }

export const apiKeyTrials: readonly Trial[] = [
  change('storeRef cannot be changed; make another ApiKey', {}, { enabled: false }, { storeRef: { name: 'another' } }),
  rule('exactly one of generate and fromSecret is needed', given, { credential: {} }),
  change('the source of the secret cannot be changed; make another ApiKey', {}, generated, given),
  rule(
    'overlapSeconds has to be shorter than intervalSeconds',
    { rotation: { intervalSeconds: 2_592_000, overlapSeconds: 86_400 } },
    { rotation: { intervalSeconds: 86_400, overlapSeconds: 86_400 } },
  ),
  rule('spec.limits.budgetDayUsd', { limits: { budgetDayUsd: '0.50' } }, { limits: { budgetDayUsd: '0.00' } }),
  rule('spec.limits.tokensPer5Hours', { limits: { tokensPer5Hours: 1 } }, { limits: { tokensPer5Hours: 0 } }),
  rule('spec.expireTime', { expireTime: '2027-01-01T00:00:00Z' }, { expireTime: 'tomorrow' }),
]
