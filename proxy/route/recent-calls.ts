import type { RecentCall, RecentHistory } from '../domain/channel-health.ts'

/** What became of the last attempts at a channel, for people; the breaker decides by memory of its own. */
export interface RecentCalls {
  note(call: RecentCall): void
  history(): RecentHistory
}

const MAX_CALLS = 20

export function createRecentCalls(): RecentCalls {
  let history: RecentHistory = { calls: [], lastSuccessAt: null, lastFailureAt: null, consecutiveFailures: 0 }
  return {
    history: () => history,
    note(call) {
      history = {
        calls: [...history.calls, call].slice(-MAX_CALLS),
        lastSuccessAt: call.hasServed ? call.at : history.lastSuccessAt,
        lastFailureAt: call.hasServed ? history.lastFailureAt : call.at,
        consecutiveFailures: call.hasServed ? 0 : history.consecutiveFailures + 1,
      }
    },
  }
}
