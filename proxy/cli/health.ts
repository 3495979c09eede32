import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { CommandError, type Environment } from './errors.ts'
import { print } from './print.ts'

const TIMEOUT_MS = 2000

interface Options {
  readonly url?: string
  readonly json?: true
}

export function addHealthCommand(program: Command, env: Environment): void {
  program
    .command('health')
    .description('Ask a gateway whether it lives, by GET /health/live. Exit status 1 without a good answer within 2 s.')
    .option('--url <url>', 'of the gateway; without it the one that serves with this environment, on this machine')
    .option('--json', 'print JSON')
    .action(async ({ url, json }: Options) => {
      const base = url ?? ownUrl(readConfig(env))
      if (!/^https?:$/.test(URL.parse(base)?.protocol ?? ''))
        throw new CommandError('--url must be an http or https URL.')
      const { origin, pathname } = new URL(base) // and no more of it: there may be a password in it
      const asked = `${origin}${pathname.replace(/\/$/, '')}/health/live`
      const problem = await problemOf(asked)
      if (json) print(JSON.stringify({ url: asked, isLive: problem === undefined, ...(problem && { problem }) }))
      if (problem !== undefined) throw new CommandError(`${asked}: ${problem}`)
      if (!json) print(`${asked}: alive`)
    })
}

function ownUrl({ HOST, PORT }: Config): string {
  if (PORT === 0) throw new CommandError('PORT is 0: which one the gateway has taken is in its log; name it by --url.')
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[HOST] ?? HOST
  return `http://${host.includes(':') ? `[${host}]` : host}:${PORT}`
}

/** Why there was no good answer; undefined if there was one. */
async function problemOf(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
    await answer.body?.cancel()
    return answer.ok ? undefined : `it answers with status ${answer.status}.`
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') return 'no answer within 2 s.'
    const cause = error instanceof Error ? error.cause : undefined
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    return typeof code === 'string' ? `no answer (${code}).` : 'no answer.'
  }
}
