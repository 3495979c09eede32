import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FLEETS, type Scenario, scenarios, type TargetName, targetNames } from './scenarios.ts'

/**
 * `calls`: what a call costs. `routing`: what many channels and keys add to it. `logs`: how long a full ledger is searched.
 * `operator`: what many stores cost the operator and the API server.
 */
const benchNames = ['calls', 'routing', 'logs', 'operator'] as const
type BenchName = (typeof benchNames)[number]

export type Options = {
  readonly bench: BenchName
  readonly targets: readonly TargetName[]
  readonly scenarios: readonly Scenario[]
  /** Whether several gateways on one PostgreSQL are measured, too. */
  readonly hasFleets: boolean
  /** How many entries the ledger has that is searched. */
  readonly entries: number
  /** How many stores the operator looks after. */
  readonly stores: number
  readonly isQuick: boolean
  readonly repeat: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly gatewayPath: string
}

export type Wish =
  | { readonly kind: 'run'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string }

export const defaultGatewayPath = join(import.meta.dirname, '../bin/tollgate.mjs')

const MOST_REPETITIONS = 20
const MOST_SECONDS = 60
const MOST_ENTRIES = 20_000_000
const MOST_STORES = 2000

const scenarioNames = [...scenarios.map(({ name }) => name), FLEETS]

export const help = `Usage: npm run bench -- [calls|routing|logs|operator] [options]

calls, which is what is meant where nothing is said, measures tollgate, on SQLite and on PostgreSQL, beside a bare Express
+ undici pass-through and the upstream itself; routing measures it with 200 channels and 10,000 keys beside one channel
and 10 keys; logs asks GET /api/logs of a ledger with a million entries, on both engines;
operator looks after 300 stores on a real API server, which is built once, from Go modules. On loopback; calls, routing and
logs on one core. Tables go to stdout, progress to stderr, every sample to bench/results/. Needs Linux (/proc); starts a
PostgreSQL of its own, and leaves out what needs it where there is none.

  --quick          1.5 s a measurement, one repetition: a look, not a result
  --only <name>    only this scenario or target; may be repeated, or name several with commas
  --repeat <n>     repetitions of calls and routing (3, at most ${MOST_REPETITIONS})
  --seconds <n>    how long a measurement lasts (5, at most ${MOST_SECONDS})
  --entries <n>    of the ledger that is searched (1,000,000; with --quick 100,000)
  --stores <n>     of the operator (300; with --quick 30)
  --gateway <file> another build's entry file, to compare two (bin/tollgate.mjs)
  --help           this text

Of calls only:
Targets:   ${targetNames.join(', ')}
Scenarios: ${scenarioNames.join(', ')} (one, two and four processes on one PostgreSQL)

Exit status: 0 measured, 1 a call failed or the ledger does not agree, 2 wrong usage. A missed target is not a failure.`

export function readOptions(args: readonly string[]): Wish {
  try {
    return understand(parse(args))
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : String(error) }
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      repeat: { type: 'string' },
      seconds: { type: 'string' },
      entries: { type: 'string' },
      stores: { type: 'string' },
      gateway: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
}

function understand({ values, positionals }: ReturnType<typeof parse>): Wish {
  if (values.help) return { kind: 'help' }
  const [named = 'calls', ...tooMany] = positionals
  const bench = benchNames.find((name) => name === named)
  if (bench === undefined || tooMany.length > 0) throw new Error(`one of ${benchNames.join(', ')} can be measured`)
  const only = values.only.flatMap((names) => names.split(','))
  const known = new Set<string>([...targetNames, ...scenarioNames])
  const unknown = only.filter((name) => !known.has(name))
  if (unknown.length > 0) throw new Error(`--only: no target or scenario is called ${unknown.join(', ')}`)

  const repeat = within('--repeat', values.repeat, values.quick ? 1 : 3, MOST_REPETITIONS)
  if (!Number.isInteger(repeat)) throw new Error('--repeat must be a whole number')
  const seconds = within('--seconds', values.seconds, values.quick ? 1.5 : 5, MOST_SECONDS)
  const targets = chosen(targetNames, only)
  const chosenScenarios = chosen(scenarioNames, only)
  const options = {
    bench,
    entries: Math.ceil(within('--entries', values.entries, values.quick ? 100_000 : 1_000_000, MOST_ENTRIES)),
    stores: Math.ceil(within('--stores', values.stores, values.quick ? 30 : 300, MOST_STORES)),
    isQuick: values.quick,
    targets,
    scenarios: scenarios.filter(({ name }) => chosenScenarios.includes(name)),
    hasFleets: chosenScenarios.includes(FLEETS) && targets.includes('tollgate-postgres'),
    repeat,
    seconds,
    warmUpSeconds: values.quick ? 0.5 : 1,
    gatewayPath: resolve(values.gateway ?? defaultGatewayPath),
  }
  if (isEmpty(options)) throw new Error(`--only: ${FLEETS} need the target tollgate-postgres`)
  return { kind: 'run', options }
}

export function needsPostgres({ bench, targets }: Options): boolean {
  return (bench === 'calls' || bench === 'logs') && targets.includes('tollgate-postgres')
}

/** Whether there is nothing to measure. */
export function isEmpty({ targets, scenarios: chosenScenarios, hasFleets }: Options): boolean {
  return !hasFleets && (targets.length === 0 || chosenScenarios.length === 0)
}

/** Names of the other sort leave everything of this sort in. */
function chosen<Name extends string>(all: readonly Name[], only: readonly string[]): readonly Name[] {
  const named = all.filter((name) => only.includes(name))
  return named.length === 0 ? all : named
}

function within(name: string, text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!(value > 0 && value <= most)) throw new Error(`${name} must be a number above 0 and at most ${most}`)
  return value
}
