import type { Counter } from 'prom-client'
import type { Outcome } from '../domain/entry.ts'

/**
 * Counts calls by their labels between two scrapes. A labelled counter hashes its labels at every step, and a call
 * moves half a dozen of them: that would be a tenth of what the gateway itself costs.
 */
export interface Tallies {
  add(key: string, channel: string, endpoint: string, outcome: Outcome): void
  /** Moves what has been counted into the counters. */
  collect(calls: Counter, tokens: Counter, estimated: Counter): void
}

interface Tally {
  readonly key: string
  readonly channel: string
  readonly endpoint: string
  readonly status: string
  readonly httpStatus: number
  calls: number
  estimated: number
  readonly tokens: { input: number; cache_read: number; cache_write: number; output: number; reasoning: number }
}

export function createTallies(): Tallies {
  let tallies = new Map<string, Tally>()
  return {
    add(key, channel, endpoint, { status, httpStatus, metering, usage }) {
      const name = `${key}\n${channel}\n${endpoint}\n${status}\n${httpStatus}`
      let tally = tallies.get(name)
      if (tally === undefined) {
        const tokens = { input: 0, cache_read: 0, cache_write: 0, output: 0, reasoning: 0 }
        tally = { key, channel, endpoint, status, httpStatus, calls: 0, estimated: 0, tokens }
        tallies.set(name, tally)
      }
      tally.calls += 1
      if (metering === 'estimated') tally.estimated += 1
      tally.tokens.input += usage.inputTokens
      tally.tokens.cache_read += usage.cacheReadTokens
      tally.tokens.cache_write += usage.cacheWriteTokens
      tally.tokens.output += usage.outputTokens
      tally.tokens.reasoning += usage.reasoningTokens
    },
    collect(calls, tokens, estimated) {
      const counted = tallies
      tallies = new Map()
      for (const { key, channel, endpoint, status, httpStatus, ...tally } of counted.values()) {
        calls.inc({ key, channel, endpoint, status, http_status: httpStatus }, tally.calls)
        if (tally.estimated > 0) estimated.inc({ key, channel }, tally.estimated)
        for (const [kind, amount] of Object.entries(tally.tokens)) {
          if (amount > 0) tokens.inc({ key, channel, kind }, amount)
        }
      }
    },
  }
}
