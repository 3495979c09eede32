import type { AttemptsParts } from './attempts.ts'
import type { ChannelQuotas } from './channel-quotas.ts'
import type { ChannelTokens } from './channel-tokens.ts'
import { GatewayError } from './domain/errors.ts'
import type { ChannelGate } from './limit/channel-gate.ts'

/** Where a minute's requests have gone. */
const RETRY_AFTER_MS = 1000

interface EntranceParts {
  readonly quotas: Pick<ChannelQuotas, 'draw'>
  readonly tokens: ChannelTokens
  readonly gate: Pick<ChannelGate, 'enter'>
}

/** What a call needs of a channel besides its upstream: a token of its account, and room in its quota and in its minute. */
export function createEntrance({ quotas, tokens, gate }: EntranceParts): AttemptsParts['enter'] {
  return async (sent, asking, held) => {
    const token = await tokens.tokenFor(sent.channel, held?.isRefused ? held.token : undefined)
    if (token instanceof GatewayError) return token
    // Before the minute: what is taken of that cannot be given back.
    const draw = held?.draw ?? (await quotas.draw(sent, asking))
    if (draw instanceof GatewayError) return draw
    if (await gate.enter(sent.channel, asking.deadlineAt, asking.gone)) return { draw, token }
    if (draw !== held?.draw) draw?.release()
    return new GatewayError('channel_busy', { retryAfterMs: RETRY_AFTER_MS })
  }
}
