import { GatewayError } from '../domain/errors.ts'
import type { Key } from '../domain/key.ts'
import type { KeyUnit } from '../domain/lease.ts'
import type { Verdict } from './pot.ts'

/** The error of a call that a limit of its key does not let in, or of the key's tenant. */
export function refusalOf(
  unit: KeyUnit,
  isOfTenant: boolean,
  verdict: Exclude<Verdict, { kind: 'admit' | 'wait' }>,
  key: Key,
  now: number,
): GatewayError {
  if (verdict.kind === 'unknown') {
    const message =
      'The gateway cannot reach its database, and what this key may use without it is used; try again in a moment.'
    return new GatewayError('storage_unavailable', { message, retryAfterMs: 1000 })
  }
  const retryAfterMs = verdict.endsAt - now
  if (unit === 'requests') return new GatewayError('rate_limited', { retryAfterMs })
  if (unit === 'tokens') return windowExhausted(verdict, key.tokenLimit ?? 0, retryAfterMs)
  if (!isOfTenant) return new GatewayError('budget_exhausted', { retryAfterMs })
  const message = `The budget ${spans[unit]} that the keys of the tenant share is spent.`
  return new GatewayError('budget_exhausted', { message, retryAfterMs })
}

const spans = { usd_5h: 'of five hours', usd_day: 'of a day', usd_month: 'of a month' } as const

/** A budget can be kept only where it is known what a call may cost. */
export function unpriced(model: string | undefined, isOfTenant: boolean): GatewayError {
  const whose = isOfTenant ? 'The tenant of this key' : 'This key'
  const message = `${whose} has a budget in money, and ${model ?? 'the model'} has no price; an administrator can set one with tollgate prices set.`
  return new GatewayError('model_unpriced', { message })
}

/** The error object of system A, with its names. */
function windowExhausted(
  { used, endsAt }: { readonly used: number; readonly endsAt: number },
  limit: number,
  retryAfterMs: number,
): GatewayError {
  return new GatewayError('window_exhausted', {
    retryAfterMs,
    legacy: {
      message: 'Token limit exceeded for 5-hour window',
      type: 'rate_limit_exceeded',
      tokens_used: used,
      tokens_limit: limit,
      window_ends_at: new Date(endsAt).toISOString(),
    },
  })
}
