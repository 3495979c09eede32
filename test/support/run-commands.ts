import { createInterface } from 'node:readline'
import { exitStatusOf, runProgram } from '../../proxy/cli/program.ts'
import { END, type Asked } from './command-line.ts'

// Each failed `serve` leaves its listeners for signals, and would leave them to the end of its process.
process.setMaxListeners(0)

/** Runs the commands that come as lines of JSON, one after the other. Behind what each of them prints stands an `END`. */
for await (const line of createInterface({ input: process.stdin })) {
  const { args, env } = JSON.parse(line) as Asked // safe: command-line.ts has written it
  let status = 0
  try {
    await runProgram(args, { ...process.env, ...env })
  } catch (error) {
    status = exitStatusOf(error)
  }
  process.stdout.write(END)
  process.stderr.write(`${END}${status}${END}`)
}
