import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { SeenCall } from '../support/fake-upstream.ts'
import type { EntryRow } from '../support/scene.ts'
import { type Call, idOf } from './traffic.ts'

export interface Evidence {
  /** The same SQL for every engine. */
  readonly query: (sql: string) => Promise<readonly object[]>
  readonly seen: readonly SeenCall[]
  readonly calls: ReadonlyMap<string, Call>
  /** Calls that may be estimated. */
  readonly atRisk: ReadonlySet<string>
  readonly damaged?: Damaged
  readonly spoolDir: string
}

/**
 * Calls of which a record was damaged on disk. Without the closed one a call looks interrupted; without the opened one
 * nothing may be known of it.
 */
export type Damaged = Map<string, 'opened' | 'closed'>

export interface Findings {
  /** Empty where the guarantee at the end of section 3 of the design holds. */
  readonly problems: readonly string[]
  readonly entries: number
  readonly estimated: number
}

const MINUTE = 'admitted_at - admitted_at % 60000'
const TOKENS = ['input', 'cache_read', 'cache_write', 'output', 'reasoning', 'spend'].map((kind) => `${kind}_tokens`)
const DOUBLES = 'SELECT request_id, count(*) AS entries FROM request_logs GROUP BY 1 HAVING count(*) > 1'
const sum = (what: string): string => `CAST(sum(${what}) AS BIGINT)`

/** Counters, and the sums over the entries that they have to be. */
const SUMS: readonly (readonly [counters: string, sums: string])[] = [
  [
    'SELECT id, lifetime_tokens FROM api_keys WHERE lifetime_tokens <> 0',
    `SELECT key_id, ${sum('spend_tokens')} FROM request_logs GROUP BY 1 HAVING sum(spend_tokens) <> 0`,
  ],
  [
    'SELECT key_id, minute, tokens FROM usage_windows',
    `SELECT key_id, ${MINUTE}, ${sum('spend_tokens')} FROM request_logs GROUP BY 1, 2`,
  ],
  [
    `SELECT key_id, start, model, channel, calls, failed_calls, ${TOKENS.join(', ')} FROM usage_stats WHERE resolution = 'minute'`,
    `SELECT key_id, ${MINUTE}, CASE WHEN http_status < 400 THEN coalesce(model, '') ELSE '' END, channel, count(*),
     ${sum("CASE WHEN status = 'completed' AND http_status < 400 THEN 0 ELSE 1 END")}, ${TOKENS.map(sum).join(', ')}
     FROM request_logs GROUP BY 1, 2, 3, 4`,
  ],
]

/** Compares the ledger, entry by entry, with what the upstream saw and served, and the counters with the entries. */
export async function audit(evidence: Evidence): Promise<Findings> {
  const { query, seen, calls, spoolDir } = evidence
  const [first = 'call-0'] = calls.keys()
  const since = `CAST(substr(request_id, 6) AS BIGINT) >= ${Number(first.slice('call-'.length))}`
  const own = (await query(`SELECT * FROM request_logs WHERE ${since}`)) as readonly EntryRow[] // safe: the table's shape
  const entries = Map.groupBy(own, ({ request_id: id }) => id)
  const seenById = Map.groupBy(seen, idOf)

  const problems = [
    ...[...seenById].flatMap(([id, times]) => problemsOfCall(id, times, entries.get(id) ?? [], evidence)),
    ...own.flatMap((row) => problemsOfEntry(row, seenById.get(row.request_id)?.[0], evidence)),
    ...[...calls.values()].flatMap((call) => problemsOfClient(call, entries.has(call.id), evidence)),
    ...(existsSync(join(spoolDir, 'rejected.jsonl')) ? ['entries were set aside in rejected.jsonl'] : []),
  ]
  problems.push(...(await query(DOUBLES)).map((row) => `a call of any time: ${JSON.stringify(row)}`))
  for (const [counters, sums] of SUMS) {
    for (const [less, more] of [
      [counters, sums],
      [sums, counters],
    ] as const) {
      const difference = await query(`${more} EXCEPT ${less}`)
      const side = more === sums ? 'sums of entries that no counter has' : 'counters that are no sums of entries'
      problems.push(...difference.map((row) => `${side}: ${JSON.stringify(row)}`))
    }
  }
  return { problems, entries: own.length, estimated: own.filter(({ metering }) => metering === 'estimated').length }
}

function problemsOfCall(
  id: string,
  seen: readonly SeenCall[],
  rows: readonly EntryRow[],
  evidence: Evidence,
): string[] {
  const about = `${id} ${JSON.stringify(evidence.calls.get(id))}`
  if (seen.length > 1) return [`the upstream saw ${about} ${seen.length} times`]
  if (rows.length > 1) return [`${rows.length} entries of ${about}: ${JSON.stringify(rows)}`]
  if (rows.length === 0 && evidence.damaged?.get(id) !== 'opened') return [`no entry of ${about}`]
  return []
}

function problemsOfEntry(row: EntryRow, seen: SeenCall | undefined, { calls, atRisk, damaged }: Evidence): string[] {
  const call = calls.get(row.request_id)
  if (call === undefined) return [`an entry of nobody's call: ${JSON.stringify(row)}`]
  const about = `${JSON.stringify(row)} of ${JSON.stringify(call)}`
  const isAtRisk = atRisk.has(call.id) || damaged?.get(call.id) === 'closed'
  const problems =
    row.key_id === call.key.id && row.model === call.model ? [] : [`not the caller's key or model: ${about}`]
  if (seen === undefined && !isAtRisk) problems.push(`the upstream saw nothing: ${about}`)
  if (row.metering !== 'exact') {
    const mayBe = isAtRisk || call.plan.cutAfter !== undefined
    return mayBe && row.metering === 'estimated' ? problems : [...problems, `estimated without a reason: ${about}`]
  }
  const used = servedTo(call, seen)
  const told = [
    row.input_tokens,
    row.cache_read_tokens,
    row.cache_write_tokens,
    row.output_tokens,
    row.reasoning_tokens,
  ]
  if (told.some((tokens, at) => tokens !== used[at])) problems.push(`not what was served (${used.join()}): ${about}`)
  if (row.spend_tokens !== row.input_tokens + row.cache_write_tokens + row.output_tokens)
    problems.push(`not what was spent: ${about}`)
  return problems
}

function servedTo({ plan }: Call, seen: SeenCall | undefined): readonly number[] {
  if (seen === undefined || plan.status !== undefined) return [0, 0, 0, 0, 0]
  // Of a call whose end it could not deliver the upstream knows less than it had told.
  const { input, cacheRead, cacheWrite, output, reasoning } = seen.ended === 'complete' ? seen.served : plan.usage
  return [input, cacheRead, cacheWrite, output, reasoning]
}

/** A client gets what the upstream said, or a refusal that it has a reason for. */
function problemsOfClient(call: Call, hasEntry: boolean, { atRisk }: Evidence): string[] {
  const about = JSON.stringify(call)
  if (call.end === 'open' || call.end === 'stuck') return [`a client got no answer: ${about}`]
  if (call.end === 'broken' && !atRisk.has(call.id) && call.plan.cutAfter === undefined) {
    return [`an answer was broken off without a reason: ${about}`]
  }
  if (call.end !== 'whole' || call.status === 200) return []
  const expected = [503, call.plan.status, ...(call.plan.cutAfter === undefined ? [] : [502])]
  if (call.key.isLimited) expected.push(429)
  if (call.key.endedAt !== undefined && call.endedAt >= call.key.endedAt) expected.push(401)
  if (!expected.includes(call.status)) return [`an unexpected answer: ${about}`]
  const isMisrefused = call.status === 503 && hasEntry && !call.refusal?.includes('shutting_down')
  return isMisrefused ? [`refused, and yet an entry: ${about}`] : []
}
