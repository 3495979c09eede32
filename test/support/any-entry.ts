import * as fc from 'fast-check'
import type { Entry, FailedAttempt } from '../../proxy/domain/entry.ts'
import type { Costs } from '../../proxy/domain/price.ts'
import { storable } from '../../proxy/domain/storable.ts'
import { anyText } from './any-text.ts'
import { closedEntry } from './entries.ts'

const plain = { noNullPrototype: true }
const tokens = fc.nat(1_000_000)
const name = anyText(40).map(storable)

const usage = fc.record(
  {
    inputTokens: tokens,
    cacheReadTokens: tokens,
    cacheWriteTokens: tokens,
    outputTokens: tokens,
    reasoningTokens: tokens,
  },
  plain,
)

const anyCosts: fc.Arbitrary<Costs> = fc
  .record({ inputNanoUsd: tokens, cacheReadNanoUsd: tokens, cacheWriteNanoUsd: tokens, outputNanoUsd: tokens }, plain)
  .map((kinds) => ({ ...kinds, totalNanoUsd: Object.values(kinds).reduce((sum, cost) => sum + cost, 0) }))

export const anyAttempt: fc.Arbitrary<FailedAttempt> = fc.record(
  {
    channel: name,
    model: fc.option(name),
    status: fc.constantFrom(0, 429, 503),
    error: fc.option(name),
    followedBy: fc.constantFrom('again', 'next'),
    durationMs: fc.nat(),
    usage,
    costs: fc.option(anyCosts),
    quota: fc.constantFrom(null, 'channel:0badcafe:0', 'channel:0badcaff:0'),
  },
  plain,
)

/** Whatever can become an entry, with names out of every corner of Unicode. */
export const anyEntry: fc.Arbitrary<Entry> = fc
  .record(
    {
      requestId: name,
      endpoint: name,
      model: fc.option(name),
      stream: fc.boolean(),
      channel: name,
      status: fc.constantFrom('completed', 'failed', 'client_gone'),
      httpStatus: fc.constantFrom(0, 200, 429, 502),
      error: fc.option(name),
      metering: fc.constantFrom('exact', 'estimated', 'unmetered'),
      usage,
      firstByteMs: fc.option(fc.nat()),
      durationMs: fc.nat(),
      costs: fc.option(anyCosts),
      attempts: fc.array(anyAttempt, { maxLength: 2 }),
      channelId: name,
      clientId: fc.option(name),
      sessionId: fc.option(name),
      effort: fc.option(name),
      lost: fc.option(name),
      told: fc.record(
        { model: fc.option(name), serviceTier: fc.option(fc.constantFrom('standard', 'flex')), error: fc.option(name) },
        plain,
      ),
      quota: fc.option(fc.constant('channel:00000000:1900000000000')),
      tenantId: fc.option(fc.constantFrom('tenant-1', 'tenant-2')),
    },
    plain,
  )
  .map((entry) => closedEntry({ ...entry, costNanoUsd: entry.costs?.totalNanoUsd ?? null }))
