import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { FakeUpstream } from '../support/fake-upstream.ts'
import { until } from '../support/gateway.ts'
import { audit, type Damaged, type Findings } from './audit.ts'
import type { Crew } from './crew.ts'
import type { Rounds } from './rounds.ts'
import type { Traffic } from './traffic.ts'

interface ReportParts {
  readonly seed: number
  readonly rounds: Pick<Rounds<never>, 'happened' | 'byKind'>
  readonly crew: Crew
  readonly traffic: Traffic
  readonly upstream: FakeUpstream
  readonly query: (sql: string) => Promise<readonly object[]>
  /** Calls whose record was damaged on disk. */
  readonly damaged?: Damaged
}

export interface Report {
  /** Adds to a line of the table. */
  readonly count: (what: string, by: number) => void
  readonly counted: (what: string) => number
  /** Does `work`, and tells how it came to that if it fails. */
  during(work: () => Promise<void>): Promise<void>
  /** Compares everything since the last time, and forgets it. The traffic is held, the spools are drained. */
  closeBooks(): Promise<void>
  print(): void
}

const SHOWN_PROBLEMS = 10
const SHOWN_LINES = 30
const LATE_MS = 10_000

export function createReport(t: TestContext, parts: ReportParts): Report {
  const { seed, rounds, crew, traffic, upstream, query, damaged } = parts
  const table: Record<string, number> = {}
  const counted = (what: string): number => table[what] ?? 0
  const count = (what: string, by: number): void => void (table[what] = counted(what) + by)

  const explain = (problem: unknown): Error => {
    const history = rounds.happened.map((fault) => JSON.stringify(fault))
    const logs = crew.members.flatMap(({ name, gateway }) => [
      `The log of ${name}:`,
      ...(gateway?.log ?? [])
        .filter(({ code }) => code === undefined)
        .slice(-SHOWN_LINES)
        .map((line) => JSON.stringify({ ...line, err: undefined, why: messageOf(line['err']) })),
    ])
    return new Error([`SEED=${seed}, after these faults:`, ...history, ...logs].join('\n'), { cause: problem })
  }
  const during = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
      assert.deepEqual(crew.surprises, [])
    } catch (problem) {
      throw explain(problem)
    }
  }
  const compare = (): Promise<Findings> =>
    audit({
      query,
      calls: traffic.calls,
      seen: upstream.calls,
      atRisk: crew.atRisk,
      spoolDir: crew.spoolDir,
      ...(damaged && { damaged }),
    })

  return {
    count,
    counted,
    during,
    async closeBooks() {
      await during(async () => {
        await until('the upstream is done', () => upstream.calls.every(({ ended }) => ended !== 'pending'), 60_000)
        // An answer that was read to its end without its client may be on its way into the ledger.
        let findings = await compare()
        const deadline = Date.now() + LATE_MS
        while (findings.problems.length > 0 && Date.now() < deadline) findings = await compare()
        assert.deepEqual(findings.problems.slice(0, SHOWN_PROBLEMS), [], `${findings.problems.length} problems`)
        count('entries', findings.entries)
        count('entries that are estimated', findings.estimated)
      })
      const calls = [...traffic.calls.values()]
      count('calls', calls.length)
      count('calls that the upstream saw', upstream.calls.length)
      count('calls in flight when their gateway ended', crew.atRisk.size)
      count('calls whose client hung up', calls.filter(({ end }) => end === 'hung up').length)
      for (const status of [429, 503])
        count(`refused with ${status}`, calls.filter((call) => call.status === status).length)
      traffic.forget()
      upstream.reset()
      crew.atRisk.clear()
      damaged?.clear()
    },
    print() {
      t.diagnostic(`SEED=${seed}, ${rounds.happened.length} faults`)
      for (const [what, times] of Object.entries({ ...rounds.byKind(), ...table })) {
        t.diagnostic(`${String(times).padStart(8)}  ${what}`)
      }
    },
  }
}

function messageOf(err: unknown): unknown {
  return typeof err === 'object' && err !== null && 'message' in err ? err.message : undefined
}
