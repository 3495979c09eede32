import type { Recording } from './domain/recording.ts'

/** Room in memory for one recording. Exactly one of `pass` and `release` ends it. */
interface Room {
  /** Takes more; false where there is none. */
  more(bytes: number): boolean
  /** Hands the recording over to be written; its room is free when it is. */
  pass(recording: Recording): void
  release(): void
}

interface RecordingQueue {
  /** Undefined where so much is in memory that there is no room. */
  take(bytes: number): Room | undefined
  /** Resolves when nothing waits. */
  settled(): Promise<void>
}

interface Waiting {
  readonly recording: Recording
  readonly bytes: number
}

/** Of what is being recorded and what waits for the database, together. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/** Writes recordings one batch after another. What cannot be written is not tried again: `onLost` is told how many. */
export function createRecordingQueue(
  write: (recordings: readonly Recording[]) => Promise<void>,
  onLost: (count: number, error: unknown) => void,
): RecordingQueue {
  const waiting: Waiting[] = []
  let heldBytes = 0
  let writing: Promise<void> | undefined

  const nextBatch = (): readonly Waiting[] => {
    let bytes = 0
    const end = waiting.findIndex((one, at) => (bytes += one.bytes) > MAX_BATCH_BYTES && at > 0)
    return waiting.splice(0, end === -1 ? waiting.length : end)
  }
  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = nextBatch()
      await write(batch.map(({ recording }) => recording)).catch((error: unknown) => onLost(batch.length, error))
      for (const { bytes } of batch) heldBytes -= bytes
    }
    writing = undefined
  }

  const room = (): Room => {
    let bytes = 0
    return {
      more(wanted) {
        if (heldBytes + wanted > MAX_HELD_BYTES) return false
        heldBytes += wanted
        bytes += wanted
        return true
      },
      pass(recording) {
        waiting.push({ recording, bytes })
        writing ??= writeAll()
      },
      release: () => void (heldBytes -= bytes),
    }
  }
  return {
    take(bytes) {
      const taken = room()
      return taken.more(bytes) ? taken : undefined
    },
    settled: () => writing ?? Promise.resolve(),
  }
}
