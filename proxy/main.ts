import { existsSync } from 'node:fs'
import { exitStatusOf, runProgram } from './cli/program.ts'

// What is in the environment already wins over the file.
if (existsSync('.env')) process.loadEnvFile('.env')

try {
  await runProgram(process.argv.slice(2), process.env)
} catch (error) {
  process.exitCode = exitStatusOf(error)
}
