import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { z } from 'zod'
import { pinned } from './cores.ts'

export type Program = {
  readonly name: string
  readonly args: readonly string[]
  readonly cores: string | null
  readonly environment: Readonly<Record<string, string>>
  /** Our own programs are spoken to over IPC; the gateway is not. */
  readonly hasIpc: boolean
}

/** A child process of the bench. */
export type Member = {
  readonly pid: number
  readonly endedBy: () => string | null
  readonly nextMessage: <Schema extends z.ZodType>(schema: Schema, withinMs: number) => Promise<z.output<Schema>>
  readonly ask: <Schema extends z.ZodType>(
    message: object,
    schema: Schema,
    withinMs: number,
  ) => Promise<z.output<Schema>>
  readonly end: () => Promise<void>
}

export type Crew = { readonly hire: (program: Program) => Member; readonly dismissAll: () => Promise<void> }

const LAST_WORDS_LENGTH = 2000
const END_WITHIN_MS = 8000

/** Every child of the bench is one of the crew, so that none outlives it. */
export function createCrew(): Crew {
  const members = new Set<Member>()
  let isDismissed = false
  return {
    hire(program) {
      if (isDismissed) throw new Error(`the bench is ending, ${program.name} is not started`)
      const member = start(program, () => members.delete(member))
      members.add(member)
      return member
    },
    async dismissAll() {
      isDismissed = true
      await Promise.all([...members].map((member) => member.end()))
    },
  }
}

function start({ name, args, cores, environment, hasIpc }: Program, onEnd: () => void): Member {
  const [command, ...before] = pinned(cores, process.execPath)
  const stdio = ['ignore', 'pipe', 'pipe', ...(hasIpc ? (['ipc'] as const) : [])] as const
  const child = spawn(command, [...before, ...args], { stdio: [...stdio], env: environment })
  if (child.pid === undefined) throw new Error(`${name} could not be started: is ${command} installed?`)

  let lastWords = ''
  const listen = (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-LAST_WORDS_LENGTH)
  }
  child.stdout?.on('data', listen)
  child.stderr?.on('data', listen)

  let endedBy: string | null = null
  const ended = once(child, 'exit').then(([code, signal]) => {
    endedBy = `${name} ended (${String(signal ?? code)}): ${lastWords.trim()}`
    onEnd()
    return endedBy
  })

  const nextMessage: Member['nextMessage'] = async (schema, withinMs) => {
    const failed = ended.then((reason) => Promise.reject(new Error(reason)))
    const message = once(child, 'message', { signal: AbortSignal.timeout(withinMs) })
    const [answer] = await Promise.race([message, failed])
    return schema.parse(answer)
  }

  return {
    pid: child.pid,
    endedBy: () => endedBy,
    nextMessage,
    ask(message, schema, withinMs) {
      const answer = nextMessage(schema, withinMs)
      child.send(message)
      return answer
    },
    end: () => end(child, ended),
  }
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  const lastResort = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS)
  await ended
  clearTimeout(lastResort)
}
