/** How an attempt ended. */
interface RecentCall {
  /** False where it was the channel that failed: a refusal of what the caller asked is none of its failures. */
  readonly hasServed: boolean
  /** Null where no answer came. */
  readonly status: number | null
  readonly at: number
  readonly model: string | null
  /** Of the channel that was chosen. */
  readonly channelName: string
  /** Where a composite was chosen: of the one that it sent the call to. */
  readonly routedChannelName: string | null
}

export interface RecentHistory {
  /** Oldest first. */
  readonly calls: readonly RecentCall[]
  readonly lastSuccessAt: number | null
  readonly lastFailureAt: number | null
  readonly consecutiveFailures: number
}

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
