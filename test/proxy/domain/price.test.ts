import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { PriceMultipliers } from '../../../proxy/domain/channel.ts'
import { cachePrices, type Costs, costsOf, hourPrice, type Price } from '../../../proxy/domain/price.ts'
import { UNMULTIPLIED } from '../../../proxy/domain/price-multipliers.ts'
import { type ServiceTier, tierFactors } from '../../../proxy/domain/service-tier.ts'
import { NO_USAGE, type Usage } from '../../../proxy/domain/usage.ts'
import { rounds } from '../../support/rounds.ts'

/** Three USD for a million tokens of input, fifteen for output. */
const SONNET: Price = {
  input: 3_000_000_000,
  cacheRead: 300_000_000,
  cacheWrite: 3_750_000_000,
  output: 15_000_000_000,
}

/** A million of each kind; a quarter of what is written is kept for an hour. */
const MILLIONS: Usage = {
  inputTokens: 1_000_000,
  cacheReadTokens: 2_000_000,
  cacheWriteTokens: 4_000_000,
  cacheWrite1hTokens: 1_000_000,
  outputTokens: 1_000_000,
  reasoningTokens: 900_000,
}

function costs(
  usage: Partial<Usage>,
  price: Price,
  multipliers: Partial<PriceMultipliers> = {},
  tier: ServiceTier = 'standard',
): Costs {
  const exact = { metering: 'exact', usage: { ...NO_USAGE, ...usage } } as const
  const found = costsOf(exact, price, { ...UNMULTIPLIED, ...multipliers }, tier)
  assert.ok(found)
  return found
}

test('each kind of token costs its own price, reasoning is part of output, and an hour costs more', () => {
  assert.deepEqual(costs(MILLIONS, SONNET), {
    inputNanoUsd: 3e9,
    outputNanoUsd: 15e9,
    cacheWriteNanoUsd: (3 * 3.75 + 6) * 1e9,
    cacheReadNanoUsd: 0.6e9,
    totalNanoUsd: (3 + 15 + 3 * 3.75 + 6 + 0.6) * 1e9,
  })
})

test('what is kept for an hour has a price of its own where that was said, and may be free', () => {
  const hour = { cacheWriteTokens: 1_000_000, cacheWrite1hTokens: 1_000_000 }
  assert.equal(costs(hour, { ...SONNET, cacheWrite1h: 7 }).cacheWriteNanoUsd, 7)
  assert.equal(costs(hour, { ...SONNET, cacheWrite1h: 0 }).totalNanoUsd, 0)
})

test('what nobody knows the cost of is not free', () => {
  assert.equal(costsOf({ metering: 'exact', usage: NO_USAGE }, undefined, UNMULTIPLIED, 'standard'), null)
  assert.equal(costsOf({ metering: 'unmetered', usage: NO_USAGE }, SONNET, UNMULTIPLIED, 'standard'), null)
  assert.equal(costsOf({ metering: 'estimated', usage: NO_USAGE }, SONNET, UNMULTIPLIED, 'standard')?.totalNanoUsd, 0)
})

test('half a nano-USD is rounded up, once for each kind', () => {
  const cheap = { input: 250_000, cacheRead: 500_000, cacheWrite: 499_999, cacheWrite1h: 1, output: 499_999 }
  const cost = (usage: Partial<Usage>): number => costs(usage, cheap).totalNanoUsd
  assert.equal(cost({ inputTokens: 1 }), 0)
  assert.equal(cost({ inputTokens: 2 }), 1)
  assert.equal(cost({ inputTokens: 6 }), 2)
  assert.equal(cost({ inputTokens: 1, cacheReadTokens: 1 }), 1, 'each kind is a number of its own')
  assert.equal(cost({ outputTokens: 1 }), 0)
  assert.equal(cost({ outputTokens: 2 }), 1)
  assert.equal(cost({ cacheWriteTokens: 1 }), 0)
  assert.equal(cost({ cacheWriteTokens: 2, cacheWrite1hTokens: 1 }), 1, 'one kind, rounded once')
})

test('a multiplier counts for its kind, and as the decimal that it was written as', () => {
  const multipliers = { input: 0.8, output: 1.1, cacheWrite: 2, cacheRead: 0.1 }
  const { totalNanoUsd: _, ...kinds } = costs(MILLIONS, SONNET, multipliers)
  assert.deepEqual(kinds, {
    inputNanoUsd: 2.4e9,
    outputNanoUsd: 16.5e9,
    cacheWriteNanoUsd: 2 * (3 * 3.75 + 6) * 1e9,
    cacheReadNanoUsd: 60_000_000,
  })
  // In floating point 1.1 times 5 is 5.500000000000001, and 1.15 times 3 is 3.4499999999999997.
  assert.equal(costs({ inputTokens: 1 }, { ...SONNET, input: 5_000_000 }, { input: 1.1 }).inputNanoUsd, 6)
  assert.equal(costs({ inputTokens: 10 }, { ...SONNET, input: 3_000_000 }, { input: 1.15 }).inputNanoUsd, 35)
  assert.equal(costs({ inputTokens: 1 }, { ...SONNET, input: 1_000_000 }, { input: 0.4999999999 }).inputNanoUsd, 1)
})

const tiers: Readonly<Record<ServiceTier, number>> = { standard: 3, priority: 6, ultrafast: 18, flex: 1.5 }

for (const [tier, usd] of Object.entries(tiers) as [ServiceTier, number][]) {
  test(`input of three USD costs ${usd} in the ${tier} tier, on top of a multiplier`, () => {
    const million = { inputTokens: 1_000_000 }
    assert.equal(costs(million, SONNET, {}, tier).inputNanoUsd, usd * 1e9)
    assert.equal(costs(million, SONNET, { input: 0.8 }, tier).inputNanoUsd, Math.round(usd * 8e8))
  })
}

test('a count that no database could take as money is a cost that it can take', () => {
  const most = Number.MAX_SAFE_INTEGER
  const usage = { inputTokens: most, cacheReadTokens: most, cacheWriteTokens: most, outputTokens: most }
  const { totalNanoUsd, ...kinds } = costs(usage, { input: most, cacheRead: most, cacheWrite: most, output: most })
  assert.deepEqual([...new Set(Object.values(kinds))], [Math.floor(most / 4)])
  assert.ok(Number.isSafeInteger(totalNanoUsd))
})

const amount = fc.oneof(fc.nat(1_000_000), fc.nat(10 ** 12), fc.nat(Number.MAX_SAFE_INTEGER))
const prices = fc.record(
  { input: amount, cacheRead: amount, cacheWrite: amount, cacheWrite1h: amount, output: amount },
  { requiredKeys: ['input', 'cacheRead', 'cacheWrite', 'output'] },
)
const usages = fc.record({
  inputTokens: amount,
  cacheReadTokens: amount,
  cacheWriteTokens: amount,
  outputTokens: amount,
  reasoningTokens: amount,
  hourPart: fc.constantFrom(0n, 1n, 3n, 4n),
})
/** In thousandths, as an exact number. */
const thousandths = fc.oneof(fc.constant(1000), fc.integer({ min: 1, max: 20_000 }))
const MOST = BigInt(Math.floor(Number.MAX_SAFE_INTEGER / 4))

test('whatever was used at whatever price, each kind is what exact numbers say, or as large as it may be', () => {
  fc.assert(
    fc.property(
      usages,
      prices,
      thousandths,
      fc.constantFrom<ServiceTier>('standard', 'priority', 'ultrafast', 'flex'),
      ({ hourPart, ...usage }, price, multiplier, tier) => {
        const hour = (BigInt(usage.cacheWriteTokens) * hourPart) / 4n
        const m = multiplier / 1000
        const found = costs(
          { ...usage, cacheWrite1hTokens: Number(hour) },
          price,
          { input: m, output: m, cacheWrite: m, cacheRead: m },
          tier,
        )
        const expected = (...products: (readonly [number | bigint, number])[]): number => {
          const sum = products.reduce((all, [tokens, each]) => all + BigInt(tokens) * BigInt(each), 0n)
          const halves = sum * BigInt(multiplier) * BigInt(tierFactors[tier] * 2)
          const cost = (halves + 10n ** 9n) / (2n * 10n ** 9n)
          return Number(cost < MOST ? cost : MOST)
        }
        assert.deepEqual(found, {
          inputNanoUsd: expected([usage.inputTokens, price.input]),
          outputNanoUsd: expected([usage.outputTokens, price.output]),
          cacheWriteNanoUsd: expected(
            [BigInt(usage.cacheWriteTokens) - hour, price.cacheWrite],
            [hour, hourPrice(price)],
          ),
          cacheReadNanoUsd: expected([usage.cacheReadTokens, price.cacheRead]),
          totalNanoUsd: found.inputNanoUsd + found.outputNanoUsd + found.cacheWriteNanoUsd + found.cacheReadNanoUsd,
        })
        assert.ok(Number.isSafeInteger(found.totalNanoUsd))
      },
    ),
    rounds(2000),
  )
})

test('where nobody says what a cache costs it is a part of the input, and free only with it', () => {
  assert.deepEqual(cachePrices(3_000_000_000), { cacheRead: 300_000_000, cacheWrite: 3_750_000_000 })
  assert.deepEqual(cachePrices(0), { cacheRead: 0, cacheWrite: 0 })
  assert.deepEqual(cachePrices(10 ** 15), { cacheRead: 10 ** 14, cacheWrite: 1.25 * 10 ** 15 })
})

test('an hour in a cache costs 1.6 times as much as five minutes, to the nearest nano-USD', () => {
  assert.equal(hourPrice(SONNET), 6_000_000_000)
  assert.equal(hourPrice({ ...SONNET, cacheWrite: 0 }), 0)
  fc.assert(
    fc.property(fc.nat(1.25 * 10 ** 15), (cacheWrite) => {
      const off = 5n * BigInt(hourPrice({ ...SONNET, cacheWrite })) - 8n * BigInt(cacheWrite)
      assert.ok(off >= -2n && off <= 2n, `${off} fifths off`)
    }),
    rounds(1000),
  )
})
