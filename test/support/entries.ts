import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import * as fc from 'fast-check'
import {
  type Entry,
  type FailedAttempt,
  NO_CIRCUMSTANCES,
  NOTHING_TOLD,
  type Opened,
} from '../../proxy/domain/entry.ts'
import type { Costs } from '../../proxy/domain/price.ts'
import { storable } from '../../proxy/domain/storable.ts'
import type { Applied, Store } from '../../proxy/domain/store.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { NO_USAGE, spendOf } from '../../proxy/domain/usage.ts'

/** A call that was let in just now. */
export function openedCall(more: Partial<Opened> = {}): Opened {
  return {
    id: ulid(),
    requestId: 'req-1',
    keyId: 'key-1',
    tenantId: null,
    endpoint: 'messages',
    model: 'claude-fake',
    stream: true,
    channel: 'anthropic',
    admittedAt: Date.now(),
    attempts: [],
    estimate: { inputTokens: 7, outputTokens: 256 },
    ...more,
  }
}

/** How a call ended that used ten tokens in and twenty out. */
export function closedEntry(more: Partial<Entry> = {}): Entry {
  const { estimate: _, ...opened } = openedCall()
  const usage = more.usage ?? { ...NO_USAGE, inputTokens: 10, outputTokens: 20 }
  return {
    ...opened,
    status: 'completed',
    httpStatus: 200,
    error: null,
    metering: 'exact',
    usage,
    spend: spendOf(usage, false),
    costNanoUsd: null,
    ...NO_CIRCUMSTANCES,
    told: NOTHING_TOLD,
    quota: null,
    firstByteMs: 3,
    durationMs: 12,
    ...more,
  }
}

const plain = { noNullPrototype: true }
const tokens = fc.nat(1_000_000)
const name = fc.string({ unit: 'binary', maxLength: 40 }).map(storable)

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

/** What a store tells of entries that are new to it: a sum for each key and minute. */
export function appliedOf(entries: readonly Entry[]): readonly Applied[] {
  const told = entries.map(({ keyId, tenantId, admittedAt, spend, costNanoUsd }) => ({
    keyId,
    minute: admittedAt - (admittedAt % 60_000),
    spend,
    costNanoUsd: costNanoUsd ?? 0,
    entries: 1,
    ...(tenantId !== null && { tenantId }),
  }))
  return summedUp(told)
}

/** Sorted, and one of each key and minute: a store may tell of one in parts. */
export function summedUp(applied: readonly Applied[]): readonly Applied[] {
  const sums = new Map<string, Applied>()
  for (const one of applied) {
    const place = `${one.keyId} ${one.minute}`
    const { spend, costNanoUsd, entries } = sums.get(place) ?? { spend: 0, costNanoUsd: 0, entries: 0 }
    sums.set(place, {
      ...one,
      spend: one.spend + spend,
      costNanoUsd: one.costNanoUsd + costNanoUsd,
      entries: one.entries + entries,
    })
  }
  return [...sums].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, sum]) => sum)
}

/** As much of a store as a ledger needs, where the store has no memory of spools. */
export function storeThat(write: Store['write']): Pick<Store, 'write' | 'markOf'> {
  return { write, markOf: () => Promise.resolve(undefined) }
}

/** A directory that goes with its test. */
export function directoryFor(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tg-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Stands where nothing may be told. */
export function unexpected(what: unknown): never {
  assert.fail(`not expected: ${JSON.stringify(what)}`)
}
