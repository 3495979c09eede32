import { whyNoPostgres, withoutPostgres } from './database-server.ts'
import { judge } from './goals.ts'
import { benchLogs } from './logs/bench-logs.ts'
import { benchOperator } from './operator/bench-operator.ts'
import { help, isEmpty, needsPostgres, type Options, readOptions } from './options.ts'
import { report } from './report.ts'
import { benchRouting } from './routing/bench-routing.ts'
import { estimateSeconds, runBench } from './run.ts'
import { EXIT, inWorkshop } from './workshop.ts'

const wish = readOptions(process.argv.slice(2))
switch (wish.kind) {
  case 'help':
    console.log(help)
    break
  case 'wrong':
    console.error(`${wish.problem}\n\n${help}`)
    process.exitCode = EXIT.wrongUsage
    break
  case 'run':
    process.exitCode = await benchWhatIsPossible(wish.options)
    break
}

/** On a machine without PostgreSQL the rest is measured. */
async function benchWhatIsPossible(options: Options): Promise<number> {
  const reason = needsPostgres(options) ? whyNoPostgres() : null
  if (reason === null) return bench(options)
  console.error(`What needs PostgreSQL is left out: ${reason}`)
  const rest = withoutPostgres(options)
  return isEmpty(rest) ? EXIT.failed : bench(rest)
}

function bench(options: Options): Promise<number> {
  switch (options.bench) {
    case 'routing':
      return benchRouting(options)
    case 'logs':
      return benchLogs(options)
    case 'operator':
      return benchOperator(options)
    case 'calls':
      return benchCalls(options)
  }
}

function benchCalls(options: Options): Promise<number> {
  const { gatewayPath, repeat, seconds, warmUpSeconds } = options
  return inWorkshop({
    name: 'calls',
    gatewayPath,
    needsPostgres: needsPostgres(options),
    seconds: estimateSeconds(options),
    async work(workshop) {
      const run = await runBench({ ...workshop, options })
      console.log(report(run.samples, options, workshop.note))
      await workshop.keep({ repeat, seconds, warmUpSeconds, ...run, verdicts: judge(run.samples) })
      return run.problems
    },
  })
}
