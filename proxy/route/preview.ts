import type { Channel, Pool } from '../domain/channel.ts'
import { defaultFailover } from '../domain/failover.ts'
import type { EndReason } from './journey.ts'
import { createRouter, type Suspension } from './router.ts'

interface PreviewedCall {
  readonly channels: readonly Channel[]
  readonly suspensions: readonly Suspension[]
  readonly pool: Pool
  readonly model: string
  /** The id of the one channel that may take it; undefined is any. */
  readonly only?: string | undefined
}

type Preview =
  | {
      readonly kind: 'send'
      readonly channel: Channel
      /** What the upstream would be asked for. */
      readonly model: string
      readonly effort: string | undefined
    }
  | { readonly kind: 'none'; readonly message: string }

const NOBODY = 'Nothing here can take a call now: it is paused, suspended, faulty, or without a key.'
const sentences: Readonly<Partial<Record<EndReason, string>>> = {
  none_for_model: 'This model is not among those that are served here.',
  composite_unmatched: 'The composite has no mapping for this model.',
  composite_exhausted: 'No target that the composite has for this model can take a call now.',
}

/**
 * Where the first call for a model would go, by the order of the pool. It is asked of a router of its own, so that the
 * one of the calls does not remember a call that never was.
 */
export function preview({ channels, suspensions, pool, model, only }: PreviewedCall, now: number): Preview {
  const router = createRouter({ random: () => 0, onSuspend: () => {}, resetOf: () => undefined })
  router.load(channels, suspensions, { strategies: {}, failover: defaultFailover }, now)
  const journey = router.begin({
    pool,
    model,
    isTranslated: true,
    allowedChannels: only === undefined ? null : [only],
    conversation: undefined,
    deadlineAt: Infinity,
  })
  const step = journey.next(now)
  if (step.kind === 'send') {
    return { kind: 'send', channel: step.channel, model: step.model ?? model, effort: step.effort }
  }
  return { kind: 'none', message: (step.kind === 'end' && sentences[step.reason]) || NOBODY }
}
