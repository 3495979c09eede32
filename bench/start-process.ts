import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { Crew, Member, Program } from './crew.ts'
import { listenOnLoopback } from './listen.ts'

export type Started = { readonly member: Member; readonly startMs: number }

const READY_WITHIN_MS = 20_000
const READY_POLL_MS = 5

/** Starts a server of ours, and waits until it is ready for calls. */
export async function startProcess(crew: Crew, program: Program, port: number): Promise<Started> {
  const startedAt = performance.now()
  const member = crew.hire(program)
  await waitUntilReady(member, `${originOf(port)}/health/ready`)
  return { member, startMs: performance.now() - startedAt }
}

async function waitUntilReady(member: Member, url: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (!(await isReady(url))) {
    const reason = member.endedBy()
    if (reason !== null) throw new Error(reason)
    if (performance.now() > deadline) throw new Error(`${url} was not ready within ${READY_WITHIN_MS} ms`)
    await sleep(READY_POLL_MS)
  }
}

/** A refused connection is what a process that starts looks like. */
async function isReady(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: 2000 })
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}

export function originOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listenOnLoopback(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
