import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Programs that run in a folder of their own, and end with this process, even by SIGKILL. */
export interface Processes {
  readonly folder: string
  /** Starts a program in the folder, and answers its pid; what it prints is in `log/<name>`. */
  start(name: string, command: string, ...args: readonly string[]): number
  /** Without a farewell: nothing in here is worth keeping, and an API server takes half a minute to say it. */
  kill(name: string): Promise<void>
  /** Throws with the end of its log where the program was started and has ended. */
  assertRunning(name: string): Promise<void>
  /** Ends all, and removes the folder. */
  close(): Promise<void>
}

type RunningChild = ChildProcess & { readonly pid: number }

/** The end of this process is what the shell reads as the end of its input; then it ends what still has a file here. */
const SWEEP = `
  read -r line
  cd "$1" || exit 0
  for file in pid/*; do kill -KILL "\${file##*/}"; done
  for file in pid/*; do
    while kill -0 "\${file##*/}" && ! grep -q '^State:.Z' "/proc/\${file##*/}/status"; do sleep 0.02; done
  done
  eval "$2"
  cd /
  for i in $(seq 200); do rm -rf --one-file-system "$1" && break; sleep 0.05; done`

/** `farewell` are commands of the shell for what is left when all the programs have ended. */
export async function startProcesses(farewell = ''): Promise<Processes> {
  const folder = await mkdtemp(join(tmpdir(), 'tg-cluster-'))
  for (const name of ['log', 'pid']) await mkdir(join(folder, name))
  // Detached, so that Ctrl-C does not end the sweeper together with this process.
  const sweeper = spawn('/bin/sh', ['-c', SWEEP, 'sweep', folder, farewell], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  sweeper.unref()
  if ('unref' in sweeper.stdin && typeof sweeper.stdin.unref === 'function') sweeper.stdin.unref()
  const children = new Map<string, ChildProcess>()

  return {
    folder,
    start(name, command, ...args) {
      if (isRunning(children.get(name))) throw new Error(`${name} is running already`)
      const child = startProgram(folder, name, command, args)
      children.set(name, child)
      return child.pid
    },
    async kill(name) {
      const child = children.get(name)
      if (child === undefined || !isRunning(child)) return
      child.ref()
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
    async assertRunning(name) {
      const child = children.get(name)
      if (child === undefined || isRunning(child)) return
      const log = await readFile(join(folder, 'log', name), 'utf8')
      throw new Error(`${name} has ended: ${log.trim().split('\n').slice(-5).join('\n')}`)
    },
    async close() {
      if (!isRunning(sweeper)) return
      sweeper.ref()
      const exit = once(sweeper, 'exit')
      sweeper.stdin.end()
      await exit
    },
  }
}

function startProgram(folder: string, name: string, command: string, args: readonly string[]): RunningChild {
  const log = openSync(join(folder, 'log', name), 'a')
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', log, log] })
  closeSync(log)
  child.on('error', () => undefined) // it could not be started, which is told below
  if (!hasStarted(child)) throw new Error(`${command} cannot be run; CONTRIBUTING.md lists what the tests need`)
  const file = join(folder, 'pid', String(child.pid))
  writeFileSync(file, name)
  child.once('exit', () => rmSync(file, { force: true })) // its pid may be somebody else's by now
  child.unref() // so that a test file that has done everything else can end; the sweeper ends the program then
  return child
}

function hasStarted(child: ChildProcess): child is RunningChild {
  return child.pid !== undefined
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child !== undefined && child.exitCode === null && child.signalCode === null
}
