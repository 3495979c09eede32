import { QueryTypes, type Transaction } from 'sequelize'
import type { Database } from './database.ts'

/** Tells every running proxy that its configuration has changed. */
export async function bumpRevision(database: Database, transaction: Transaction): Promise<void> {
  await database.sequelize.query(
    "UPDATE settings SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'revision'",
    { transaction },
  )
}

export interface Watch {
  /** Looks now, and answers when what it found has been told. */
  check(): Promise<void>
  stop(): void
}

/** Polls the revision and calls `onChange` when it moved, or may have moved unseen. SQLite has no notifications; a look is one indexed read. */
export function watchRevision(
  database: Database,
  intervalMs: number,
  onChange: () => Promise<void>,
  onError: (error: unknown) => void,
): Watch {
  let seen: string | undefined
  /** Before the first look that worked there may have been a change. */
  let hasMissed = false
  let reported: string | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  const look = async (): Promise<void> => {
    const [row] = await database.sequelize.query<{ value: string }>(
      "SELECT value FROM settings WHERE name = 'revision'",
      { type: QueryTypes.SELECT },
    )
    if (row === undefined || row.value === seen) return
    if (seen !== undefined || hasMissed) await onChange()
    seen = row.value // after the change was told, so that a failure is tried again
  }
  const check = (): Promise<void> =>
    look().catch((error: unknown) => {
      hasMissed = true
      throw error
    })
  const tick = async (): Promise<void> => {
    try {
      await check()
      reported = undefined
    } catch (error) {
      // An outage is told once, and not at every look.
      if (String(error) !== reported) onError(error)
      reported = String(error)
    }
    if (!isStopped) timer = setTimeout(() => void tick(), intervalMs).unref()
  }
  void tick()
  return {
    check,
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
