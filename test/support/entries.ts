import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Entry, NO_CIRCUMSTANCES, NOTHING_TOLD, type Opened } from '../../proxy/domain/entry.ts'
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
