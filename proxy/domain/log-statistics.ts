/** Which calls a statistic is of. Instants are of admission, `to` is just behind. */
export interface LogSpan {
  readonly from: number
  readonly to: number
  readonly tenantId?: string
  readonly keyId?: string
  /** By its name. */
  readonly channel?: string
}

/** By what calls are put together: all of them, those with a name in common, or those that began in the same stretch. */
type Grouping = 'all' | 'channel' | 'model' | 'key_id' | { readonly bucketMs: number }
export type SampleGrouping = Grouping | 'client_id' | 'session_id'

/** Sums over calls. */
export interface CallSums {
  /** Of the group: a name; the start of a stretch, in milliseconds since the epoch; empty where there is but one. */
  readonly group: string
  readonly calls: number
  readonly failedCalls: number
  readonly inputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  /** Of the calls that have a price. */
  readonly costNanoUsd: number
}

/** What is known of calls that were looked at one by one. */
export interface CallSample extends CallSums {
  readonly averageMs: number
  /** Null where calls are put together by a name: what each takes to be sorted is most of what a sample takes. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  /** Output tokens a second, of the calls that had output; null where none had. */
  readonly tokensPerSecond: number | null
  readonly callsWithOutput: number
  readonly firstAt: number
  readonly lastAt: number
  /** One of their endpoints. */
  readonly endpoint: string
}

/** Every method throws `StoreError`. */
export interface LogStatistics {
  /**
   * Of all calls of the span, however long ago. Sums are kept by the minute for 25 hours, by the hour for 90 days, and
   * by the day then: those that the span begins in are counted whole.
   */
  sums(span: LogSpan, by: Grouping): Promise<readonly CallSums[]>
  /** Of the span's newest calls, up to a bound; `since` is the admission of the oldest of them, null where there is none. */
  sample(
    span: LogSpan & { readonly endpoint?: string },
    by: SampleGrouping,
  ): Promise<{ readonly groups: readonly CallSample[]; readonly since: number | null }>
}
