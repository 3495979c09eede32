import { defined, type Json } from './json.ts'
import type { Field } from './losses.ts'
import type { Turn } from './turn.ts'

const WITHOUT_SAMPLING = 407

/**
 * Temperature goes to 1 here and to 2 elsewhere. Claude 4.7 and later take no sampling parameters at all; a model that
 * thinks takes a `top_p` from 0.95 and no temperature; older ones take one of the two
 * (https://platform.claude.com/docs/en/build-with-claude/thinking).
 */
export function messagesSampling(
  turn: Turn,
  version: number | undefined,
  isThinking: boolean,
  lose: (field: Field) => void,
): Json {
  const refusesAll = version !== undefined && version >= WITHOUT_SAMPLING
  const temperature = refusesAll || isThinking ? undefined : turn.temperature && Math.min(turn.temperature, 1)
  const isTaken = !refusesAll && (!isThinking || (turn.topP ?? 0) >= 0.95)
  const topP = isTaken && (version === undefined || temperature === undefined) ? turn.topP : undefined
  if (temperature !== turn.temperature && turn.temperature !== 1) lose('temperature') // 1 is the default
  if (topP !== turn.topP && turn.topP !== 1) lose('topP')
  return defined({ temperature, top_p: topP })
}
