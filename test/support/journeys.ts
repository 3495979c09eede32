import type { Channel } from '../../proxy/domain/channel.ts'
import { defaultFailover } from '../../proxy/domain/failover.ts'
import type { Failure } from '../../proxy/route/failure.ts'
import type { Journey, RoutedCall, Step } from '../../proxy/route/journey.ts'
import {
  createRouter,
  type Router,
  type RouterParts,
  type RouterSettings,
  type Suspension,
} from '../../proxy/route/router.ts'

export const NOON = Date.UTC(2030, 0, 1, 12)
/** Long enough for what is not about it. */
export const LATER = NOON + 24 * 60 * 60_000

export interface TestRouter extends Router {
  /** What the other replicas were told. */
  readonly suspended: Suspension[]
  /** A call of the pool `messages`, of which nothing is said but this. */
  call(said?: Partial<RoutedCall>): Journey
}

export function aRouter(
  channels: readonly Channel[],
  settings: Partial<RouterSettings> = {},
  parts: Partial<RouterParts> = {},
  suspensions: readonly Suspension[] = [],
): TestRouter {
  const suspended: Suspension[] = []
  const router = createRouter({
    random: () => 0,
    onSuspend: (suspension) => suspended.push(suspension),
    resetOf: () => undefined,
    ...parts,
  })
  router.load(channels, suspensions, { strategies: {}, failover: defaultFailover, ...settings }, NOON)
  return {
    ...router,
    suspended,
    call: (said) =>
      router.begin({
        pool: 'messages',
        model: 'claude-opus-5',
        isTranslated: true,
        allowedChannels: null,
        conversation: undefined,
        deadlineAt: LATER,
        ...said,
      }),
  }
}

export const status = (
  code: number,
  more: Omit<Extract<Failure, { kind: 'status' }>, 'kind' | 'status'> = {},
): Failure => ({
  kind: 'status',
  status: code,
  ...more,
})

type Sent = Extract<Step, { kind: 'send' }>

/** What an upstream does with a call. */
export type Upstream = (sent: Sent) => Failure | 'ok'

/** Each channel or key fails as it is said, every time; the others answer. */
export function upstreams(failures: Readonly<Record<string, Failure>>): Upstream {
  return ({ channel, key }) => failures[key?.id ?? ''] ?? failures[channel.id] ?? 'ok'
}

/**
 * The way of a call from `now` on, in which only waits take time: `a-1` is an attempt with that key, `5 s` a wait, the
 * last word why it ended.
 */
export function wayOf(journey: Journey, upstream: Upstream, now = NOON): string {
  const way: string[] = []
  let at = now
  for (;;) {
    const step = journey.next(at)
    if (step.kind === 'end') return [...way, step.reason].join(' ')
    if (step.kind === 'wait') {
      way.push(`${step.waitMs / 1000}s`)
      at += step.waitMs
      continue
    }
    way.push(step.key?.id ?? step.channel.id)
    const outcome = upstream(step)
    if (outcome === 'ok') journey.succeeded(at)
    else journey.failed(outcome, at)
  }
}
