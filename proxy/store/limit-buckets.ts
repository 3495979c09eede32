import type { KeyUsage } from '../domain/key.ts'
import { type Database, select, tableOf } from './database.ts'

/** The longest month, and an hour that has only begun to leave. */
const MONTH_MS = 31 * 86_400_000

type Bucket = KeyUsage['minutes'][number]

/** What is counted of one subject, a key or a tenant. */
export interface Buckets {
  readonly minutes: readonly Bucket[]
  /** False where nothing had a price. */
  readonly costs: false | Required<Pick<KeyUsage, 'costMinutes' | 'costHours'>>
}

/** Reads what these subjects have used since `usedSince`, and of hours what may count for a month; nothing that was given back. */
export async function readBuckets(
  database: Database,
  subjects: readonly string[],
  usedSince: number,
): Promise<(subject: string) => Buckets> {
  const places = subjects.map((_, at) => `$${at + 3}`).join(', ')
  const buckets = await select<Bucket & { readonly subject: string; readonly unit: string }>(
    database,
    `SELECT subject, unit, start, CAST(sum(amount) AS BIGINT) AS amount FROM ${tableOf(database, 'limit_usage')}
     WHERE subject IN (${places})
       AND ((unit IN ('tokens', 'usd_minute') AND start >= $1) OR (unit = 'usd_hour' AND start >= $2))
     GROUP BY subject, unit, start HAVING sum(amount) <> 0 ORDER BY start`,
    [usedSince, usedSince - MONTH_MS, ...subjects],
  )
  const bySubject = Map.groupBy(buckets, ({ subject }) => subject)
  return (subject) => {
    const of = (wanted: string): readonly Bucket[] =>
      (bySubject.get(subject) ?? []).flatMap(({ unit, start, amount }) => (unit === wanted ? [{ start, amount }] : []))
    const costHours = of('usd_hour')
    return { minutes: of('tokens'), costs: costHours.length > 0 && { costHours, costMinutes: of('usd_minute') } }
  }
}
