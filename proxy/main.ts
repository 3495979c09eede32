import { existsSync } from 'node:fs'
import { createProgram, exitStatusOf } from './cli/program.ts'

// What is in the environment already wins over the file.
if (existsSync('.env')) process.loadEnvFile('.env')

try {
  await createProgram(process.env).parseAsync()
} catch (error) {
  process.exitCode = exitStatusOf(error)
}
