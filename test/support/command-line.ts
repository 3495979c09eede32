import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** The program's own, as bin/tollgate.mjs turns it on. */
const NODE_COMPILE_CACHE = new URL('../../node_modules/.cache/tollgate', import.meta.url).pathname
const RUN_COMMANDS = new URL('run-commands.ts', import.meta.url).pathname
export const END = '\u0000'
/** For a `serve` that starts after all. */
const HANGS_MS = 60_000

/** How a command has ended. */
export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** A line to the process that runs commands. */
export interface Asked {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Runs commands one after the other in one process, since to start one takes longer than most of them. */
export interface CommandLine {
  run(args: readonly string[], env?: Asked['env']): Promise<Ended>
  /** Nothing that a command has left open keeps the process from its end. */
  close(): Promise<void>
}

interface Surroundings {
  readonly cwd: string
  readonly env: Asked['env']
  readonly uid?: number
  readonly gid?: number
}

export function startCommandLine(surroundings: Surroundings): CommandLine {
  const child = spawn(process.execPath, [RUN_COMMANDS], {
    ...surroundings,
    env: { NODE_COMPILE_CACHE, ...surroundings.env },
  })
  const exit = once(child, 'exit')
  const [stdout, stderr] = [partsOf(child.stdout), partsOf(child.stderr)]
  const handles = [child, child.stdin, child.stdout, child.stderr] as unknown as readonly NodeJS.Timeout[] // safe: all have both
  const hold = (): unknown => handles.map((handle) => handle.ref())
  const letGo = (): unknown => handles.map((handle) => handle.unref())
  let last: Promise<unknown> = Promise.resolve()
  letGo() // a test file that forgets it can end

  async function whileHeld<T>(work: () => Promise<T>): Promise<T> {
    hold()
    const tooLong = setTimeout(() => child.kill('SIGKILL'), HANGS_MS)
    try {
      return await work()
    } finally {
      clearTimeout(tooLong)
      letGo()
    }
  }

  return {
    run(args, env = {}) {
      const runNow = async (): Promise<Ended> => {
        child.stdin.write(`${JSON.stringify({ args, env } satisfies Asked)}\n`)
        return { stdout: await next(stdout), stderr: await next(stderr), status: Number(await next(stderr)) }
      }
      const ended = last.then(() => whileHeld(runNow))
      last = ended
      return ended
    },
    close: () =>
      whileHeld(async () => {
        child.stdin.end()
        assert.deepEqual(await exit, [0, null])
      }),
  }
}

async function* partsOf(stream: Readable): AsyncGenerator<string, never> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    const parts = (text + String(chunk)).split(END)
    text = parts.pop() ?? ''
    yield* parts
  }
  throw new Error(`the process of the commands has ended, or was ended since one hung: ${text}`)
}

async function next(parts: AsyncGenerator<string, never>): Promise<string> {
  return (await parts.next()).value
}
