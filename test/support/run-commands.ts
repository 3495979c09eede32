import { createProgram, exitStatusOf } from '../../proxy/cli/program.ts'

/**
 * Runs several commands, which the first argument has as JSON, one after the other in one process: to start one takes
 * longer than most of them. Behind what each of them prints stands an `END`, on standard output with its exit status.
 */
const END = '\u0000'

// safe: `commands` of gateway.ts has written it
for (const args of JSON.parse(process.argv[2] ?? '[]') as readonly (readonly string[])[]) {
  let status = 0
  try {
    await createProgram(process.env).parseAsync(args, { from: 'user' })
  } catch (error) {
    status = exitStatusOf(error)
  }
  process.stdout.write(`${END}${status}${END}`)
  process.stderr.write(END)
}
