import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChannels } from '../../../proxy/channels.ts'
import type { Call } from '../../../proxy/domain/call.ts'
import { NOBODY } from '../../../proxy/domain/attribution.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import { endpointOf } from '../../../proxy/domain/endpoint.ts'
import type { Key } from '../../../proxy/domain/key.ts'
import { createLog } from '../../../proxy/telemetry/log.ts'
import { aChannel, inList } from '../../support/a-channel.ts'
import { NOON } from '../../support/journeys.ts'

/** Milliseconds from now; Infinity is a quota that nothing resets. */
interface Away {
  readonly suspendedMs?: number
  readonly quotaMs?: number
}

/** Why a call with a key for the channels `a`, `b` and `mix` gets none of them. */
function reasonOf(away: Readonly<Record<string, Away>>, asked: { readonly path?: string } = {}): unknown {
  const channels = createChannels({
    own: [],
    suspensions: undefined,
    quotas: {
      refusal({ id }) {
        const ms = away[id]?.quotaMs
        if (ms === undefined) return undefined
        return new GatewayError('channel_quota_exhausted', ms === Infinity ? {} : { retryAfterMs: ms })
      },
      resetOf: () => undefined,
    },
    now: () => NOON,
    log: createLog('silent', false),
  })
  const suspensions = Object.entries(away).flatMap(([channelId, { suspendedMs }]) =>
    suspendedMs === undefined ? [] : [{ channelId, until: NOON + suspendedMs, reason: '401', suspendedAt: NOON }],
  )
  const compositeMappings = [{ pattern: 'opus', targets: ['target'], model: null }]
  const stored = inList(
    aChannel('a'),
    aChannel('b'),
    aChannel('mix', { serviceType: 'composite', keys: [], compositeMappings }),
    aChannel('free'),
    aChannel('target', { pool: 'chat', serviceType: 'openai_chat' }),
  )
  channels.beginLoad()(stored, { suspensions, settings: {} })
  const { path = '/v1/messages' } = asked
  // safe: what else they have, nothing here looks at
  const call = { endpoint: endpointOf(path, [], false), model: 'claude-opus-5', attribution: NOBODY } as unknown as Call
  const key = { id: 'key', allowedChannels: ['a', 'b', 'mix'] } as unknown as Key // safe: as above
  const { journey, passedBy } = channels.begin(call, key, NOON + 1000)
  const step = journey.next(NOON)
  if (step.kind === 'send') return step.channel.id
  const { code, particulars } = passedBy() ?? {}
  return [code, particulars?.retryAfterMs]
}

const suspended = (suspendedMs: number): Away => ({ suspendedMs })
const spent = (quotaMs: number): Away => ({ quotaMs })
const both = (suspendedMs: number, quotaMs: number): Away => ({ suspendedMs, quotaMs })
const long = suspended(90_000)

const rows: Readonly<Record<string, readonly [away: Readonly<Record<string, Away>>, reason: unknown]>> = {
  'the suspension that is over first': [{ a: suspended(7), b: suspended(5), mix: long }, ['channels_unavailable', 5]],
  'the quota that is reset first': [{ a: spent(7), b: spent(5), mix: long }, ['channel_quota_exhausted', 5]],
  'a suspension before a quota': [{ a: suspended(5), b: spent(7), mix: long }, ['channels_unavailable', 5]],
  'a quota that nothing resets, where there is nothing else': [
    { a: spent(Infinity), b: spent(Infinity), mix: spent(Infinity) },
    ['channel_quota_exhausted', undefined],
  ],
  'the quota of a channel whose suspension is over before': [
    { a: both(5, 7), b: long, mix: long },
    ['channel_quota_exhausted', 7],
  ],
  'the suspension of a channel whose quota is reset before': [
    { a: both(7, 5), b: long, mix: long },
    ['channels_unavailable', 7],
  ],
  'what keeps the targets of a composite': [{ a: long, b: long, target: suspended(5) }, ['channels_unavailable', 5]],
}

for (const [what, [away, reason]] of Object.entries(rows)) {
  test(`a call that finds no channel is told of ${what}`, () => assert.deepEqual(reasonOf(away), reason))
}

test('a call is not told of channels that it could not go to anyway', () => {
  const away = { a: long, b: long, mix: suspended(5), free: suspended(1) }
  assert.deepEqual(reasonOf(away), ['channels_unavailable', 5])
  assert.deepEqual(reasonOf(away, { path: '/v1/messages/count_tokens' }), ['channels_unavailable', 90_000])
})
