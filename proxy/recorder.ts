import type { Key } from './domain/key.ts'
import { maskedHeaders, maskedSearch } from './domain/masked.ts'
import { DEBUG_LOG, type DebugLog, defaultDebugLog, type Recording } from './domain/recording.ts'
import { isAway } from './domain/store-error.ts'
import type { Incoming } from './http/gateway.ts'
import type { Configuration } from './store/configuration.ts'
import { createRecordingQueue } from './recording-queue.ts'
import { createTurns } from './store/turns.ts'
import type { Log } from './telemetry/log.ts'

/** Keeps requests and answers while an administrator wants them. A call neither waits for it nor fails with it. */
export interface Recorder {
  /** For a call that is in the ledger, before anything of its answer is written. */
  readonly record: (incoming: Incoming, key: Key, body: Buffer) => void
  /** Reads what is to be kept again. */
  reload(): Promise<void>
  /** Reads it if that never worked. */
  readOnce(): Promise<void>
  /** Removes what is past its retention. */
  prune(now: number): Promise<void>
  /** How many calls were to be kept and were not. */
  dropped(): number
  /** Resolves when the calls that have ended are written, or dropped. */
  settled(): Promise<void>
}

interface RecorderParts {
  /** Undefined where there is no database. */
  readonly configuration: Pick<Configuration, 'settings' | 'recordings'> | undefined
  readonly now: () => number
  readonly log: Log
}

/** What a recording takes besides its bodies: its headers, at most 16 KiB of the request. */
const OVERHEAD_BYTES = 16 * 1024
const HOUR_MS = 3_600_000

export function createRecorder({ configuration, now, log }: RecorderParts): Recorder {
  let debugLog = defaultDebugLog
  let keyIds: ReadonlySet<string> | undefined
  let isRead = configuration === undefined
  let dropped = 0
  const queue = createRecordingQueue(
    (recordings) => configuration?.recordings.append(recordings) ?? Promise.resolve(),
    (count, error) => {
      dropped += count
      if (!isAway(error)) log.error({ err: error, count }, 'requests and answers could not be kept')
    },
  )

  const read = async (): Promise<void> => {
    if (configuration === undefined) return
    const said = (await configuration.settings.get(DEBUG_LOG)) as Partial<DebugLog> | undefined // safe: the admin API has checked it
    debugLog = { ...defaultDebugLog, ...said }
    keyIds = debugLog.keyIds === null ? undefined : new Set(debugLog.keyIds)
    isRead = true
  }
  const alone = createTurns() // what was read first must not come last
  const reload = (): Promise<void> => alone(read)
  const readOnce = (): Promise<void> => (isRead ? Promise.resolve() : reload())

  return {
    reload,
    readOnce,
    dropped: () => dropped,
    settled: () => queue.settled(),
    async prune(at) {
      await readOnce() // by the defaults it would remove what is to stay
      const { fullRetentionHours, headerRetentionHours } = debugLog
      await configuration?.recordings.prune(at - fullRetentionHours * HOUR_MS, at - headerRetentionHours * HOUR_MS)
    },
    record(incoming, key, body) {
      if (!debugLog.enabled || keyIds?.has(key.id) === false) return
      const maxBytes = debugLog.maxBodyKb * 1024
      const room = queue.take(OVERHEAD_BYTES + Math.min(body.length, maxBytes))
      if (room === undefined) {
        dropped += 1
        return
      }
      const answer = createCopy(maxBytes, (bytes) => room.more(bytes))
      const { id, endpoint, method, search, headers } = incoming
      const request = {
        method,
        path: endpoint.path + maskedSearch(search),
        headers: maskedHeaders(headers),
        body: Buffer.from(body.subarray(0, maxBytes)), // a copy, or the whole of it would stay in memory
        bodyBytes: body.length,
      }
      const createdAt = now()
      let head: Pick<Recording['response'], 'status' | 'headers'> = { status: null, headers: {} }
      incoming.watchAnswer({
        head: (status, fields) => void (head = { status, headers: maskedHeaders(fields) }),
        data: (chunk) => answer.add(chunk),
        end() {
          const kept = answer.kept()
          if (kept !== undefined) return room.pass({ id, createdAt, request, response: { ...head, ...kept } })
          dropped += 1
          room.release()
        },
      })
    },
  }
}

/** The first bytes of what comes, as long as there is room for them. */
function createCopy(maxBytes: number, takeRoom: (bytes: number) => boolean) {
  let chunks: Buffer[] | undefined = []
  let keptBytes = 0
  let bodyBytes = 0
  return {
    add(chunk: Buffer): void {
      bodyBytes += chunk.length
      const part = chunk.subarray(0, maxBytes - keptBytes)
      if (chunks === undefined || part.length === 0) return
      if (takeRoom(part.length)) {
        chunks.push(Buffer.from(part))
        keptBytes += part.length
      } else chunks = undefined
    },
    /** Undefined where there was no room. */
    kept: (): Pick<Recording['response'], 'body' | 'bodyBytes'> | undefined =>
      chunks && { body: Buffer.concat(chunks), bodyBytes },
  }
}
