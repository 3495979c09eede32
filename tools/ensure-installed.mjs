// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs what package-lock.json names,
// when it is missing or older than the lock file, and gives `npx tollgate` its command.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

process.chdir(join(import.meta.dirname, '..'))

const installed = 'node_modules/.package-lock.json'
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
  console.error('Installing dependencies (the first time takes a minute or two: sqlite3 is compiled) …')
  // `npm ci` would refuse the lock file where a registry lacks packages of other platforms; without saving, `install`
  // follows it as well. Errors only: engine warnings speak of the machine's Node, but the product brings its own.
  const flags = ['install', '--no-save', '--include=dev', '--loglevel=error']
  const { status } = spawnSync('npm', flags, { stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
if (!existsSync('node_modules/.bin/tollgate')) symlinkSync('../../bin/tollgate.mjs', 'node_modules/.bin/tollgate')
