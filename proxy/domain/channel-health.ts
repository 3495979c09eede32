/** How an attempt ended. */
export interface RecentCall {
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

/** How a channel does, as one process knows it. */
export interface ChannelHealth extends RecentHistory {
  readonly failureRate: number
  /** Until when it is left alone; undefined while nothing is wrong. */
  readonly openUntil: number | undefined
}
