import { number } from './table.ts'

/** What is asked of a figure. */
export type Limit =
  | { readonly of: 'ratio' | 'value'; readonly atMost: number }
  | { readonly of: 'difference' | 'value'; readonly below: number }
  | { readonly of: 'value'; readonly exactly: number }

export type Decision = { readonly target: string; readonly verdict: string }

type Compared = { readonly ratio: number; readonly difference: number; readonly value: number }

/** A figure without a limit is shown for comparison only. */
export function decide(limit: Limit | null, compared: Compared, yardstick: string): Decision {
  if (limit === null) return { target: '', verdict: '' }
  const value = compared[limit.of]
  const say = (isMet: boolean) => (Number.isNaN(value) ? '–' : isMet ? 'ok' : '**misses**')
  if ('exactly' in limit) return { target: `= ${limit.exactly}`, verdict: say(value === limit.exactly) }
  if ('atMost' in limit) {
    const unit = limit.of === 'ratio' ? ` × ${yardstick}` : ''
    return { target: `≤ ${limit.atMost}${unit}`, verdict: say(value <= limit.atMost) }
  }
  if (limit.of === 'value') return { target: `< ${limit.below}`, verdict: say(value < limit.below) }
  const sign = value < 0 ? '' : '+'
  return {
    target: `< ${yardstick} + ${limit.below}`,
    verdict: `${say(value < limit.below)} (${sign}${number(value)})`,
  }
}
