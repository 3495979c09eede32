/** What is kept of calls besides their entries, and for how long. */
export interface DebugLog {
  readonly enabled: boolean
  /** Only calls of these keys; null is all. */
  readonly keyIds: readonly string[] | null
  /** Bodies go after this time, and the rest, which is small, after the other. */
  readonly fullRetentionHours: number
  readonly headerRetentionHours: number
  /** Of each body, as it came. */
  readonly maxBodyKb: number
}

/** Bodies are what people wrote: nobody keeps them without having said so. */
export const defaultDebugLog: DebugLog = {
  enabled: false,
  keyIds: null,
  fullRetentionHours: 24,
  headerRetentionHours: 168,
  maxBodyKb: 1024,
}

/** The name of the setting. */
export const DEBUG_LOG = 'debug-log'

interface Recorded {
  /** Without secrets; null where they have been removed. */
  readonly headers: Readonly<Record<string, string>> | null
  /** The beginning of it, as long as was to be kept; null where it has been removed. */
  readonly body: Buffer | null
  /** Of the whole. */
  readonly bodyBytes: number
}

/** A call as its caller sent it, and its answer as the caller got it. */
export interface Recording {
  /** Of its entry in the ledger. */
  readonly id: string
  readonly createdAt: number
  /** The path is with its query, without secrets. */
  readonly request: Recorded & { readonly method: string; readonly path: string }
  /** The status is null where the caller left before there was one. */
  readonly response: Recorded & { readonly status: number | null }
}

interface RecordingSums {
  readonly count: number
  /** How many of them have their bodies still. */
  readonly withBodies: number
  /** Of the bodies, as they are stored. */
  readonly bytes: number
  readonly oldest: number | null
}

/** Where recordings are. Every method throws `StoreError`. */
export interface RecordingStore {
  append(recordings: readonly Recording[]): Promise<void>
  find(id: string): Promise<Recording | undefined>
  sums(): Promise<RecordingSums>
  /** Answers how many there were. */
  removeAll(): Promise<number>
  /** Recordings of which nothing is left then go altogether. */
  removeHeaders(): Promise<{ readonly cleared: number; readonly removed: number }>
  /** Removes the bodies of calls before the one instant, and all of those before the other. Of several replicas one does it. */
  prune(bodiesBefore: number, allBefore: number): Promise<void>
}
