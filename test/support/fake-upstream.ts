import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { nothingServed, settle } from './upstream/behaviour.ts'
import type { Plan, SeenCall } from './upstream/behaviour.ts'
import { createGate, deliver } from './upstream/deliver.ts'
import { answerTo, idPrefixOf } from './upstream/endpoints.ts'
import { createNotice } from './upstream/notice.ts'

export { defaultText, defaultUsage } from './upstream/behaviour.ts'
export type { Behaviour, Plan, Point, SeenCall, Served, Usage } from './upstream/behaviour.ts'

export interface FakeUpstreamOptions {
  readonly plan?: Plan
  /** What GET /v1/models lists. */
  readonly models?: readonly string[]
  /** 0 takes any free port. Only who restarts an upstream in its place has a reason to name one. */
  readonly port?: number
  /** 127.0.0.1 if it is left out. */
  readonly host?: string
}

export interface FakeUpstream {
  /** Without /v1. */
  readonly url: string
  readonly port: number
  /** In the order in which the requests had been read. */
  readonly calls: readonly SeenCall[]
  /** Every call from now on, until the next plan. What a plan does not name is as it is without one. */
  behave(plan: Plan): void
  /** Lets all answers go on that are stalled now. */
  release(): void
  /** How many answers are stalled: who releases before one is, releases none. */
  held(): number
  /** Forgets the plan and the calls, and cuts the calls that are still open. */
  reset(): void
  /** The first value of `probe` that is neither false nor undefined. Asked again whenever a call has got further. */
  waitFor<Found>(
    probe: (calls: readonly SeenCall[]) => Found | false | undefined,
    timeoutMs?: number,
  ): Promise<NonNullable<Found>>
  close(): Promise<void>
}

type OpenCall = { -readonly [Name in keyof SeenCall]: SeenCall[Name] }

async function read(request: IncomingMessage): Promise<{ rawBody: Buffer; isComplete: boolean }> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
  } catch {
    // The client left while it was still asking. That is a call too.
    return { rawBody: Buffer.concat(chunks), isComplete: false }
  }
  return { rawBody: Buffer.concat(chunks), isComplete: request.complete }
}

function parse(rawBody: Buffer): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(rawBody.toString())
    return typeof body === 'object' && body !== null ? { ...body } : {}
  } catch {
    return {}
  }
}

function openCall(request: IncomingMessage, rawBody: Buffer, serial: number): OpenCall {
  const { pathname, search } = new URL(request.url ?? '/', 'http://upstream')
  const method = request.method ?? 'GET'
  const body = parse(rawBody)
  const prefix = idPrefixOf(method, pathname)
  return {
    requestId: `req_fake${serial}`,
    answerId: prefix === '' ? '' : `${prefix}${serial}`,
    path: pathname,
    query: search,
    method,
    headers: request.headers,
    rawBody,
    body,
    model: typeof body['model'] === 'string' ? body['model'] : undefined,
    served: nothingServed,
    ended: 'pending',
  }
}

/** A real HTTP server that plays Anthropic and OpenAI, as well and as badly as its plan says. */
export async function startFakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const models = options.models ?? ['claude-fake', 'gpt-fake']
  const calls: OpenCall[] = []
  const open = new Map<OpenCall, ServerResponse>()
  const gate = createGate()
  const notice = createNotice(calls)
  let plan: Plan = options.plan ?? {}
  let serial = 0

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = new AbortController()
    response.once('close', () => {
      connection.abort()
    })
    // What a client does to its connection is seen by the failing write, and is no error of ours.
    response.on('error', () => undefined)

    const { rawBody, isComplete } = await read(request)
    serial += 1
    const call = openCall(request, rawBody, serial)
    calls.push(call)
    open.set(call, response)
    notice.changed()

    const planned = settle(typeof plan === 'function' ? plan(call) : plan)
    const ended = isComplete
      ? await deliver(response, {
          call,
          plan: planned,
          answer: answerTo({ call, plan: planned, models }),
          gate,
          gone: connection.signal,
          progress(served) {
            call.served = served
            notice.changed()
          },
        })
      : 'client_gone'
    // Who was cut by us has already been told so.
    if (open.delete(call)) call.ended = ended
    notice.changed()
  }

  function cutOpenCalls(): void {
    for (const [call, response] of open) {
      // Its last byte is on the way. To cut now would only surprise the next request on the same connection.
      if (response.writableEnded) continue
      open.delete(call)
      call.ended = 'cut'
      response.destroy()
    }
  }

  const server = createServer((request, response) => {
    void serve(request, response)
  })
  // A connection that is closed while it idles races with the next request on it. Plans decide what breaks, not time.
  server.keepAliveTimeout = 0
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The fake upstream listens on no port')

  return {
    url: `http://${address.address}:${address.port}`,
    port: address.port,
    calls,
    behave(next) {
      plan = next
    },
    release() {
      gate.open()
    },
    held: () => gate.count(),
    reset() {
      plan = options.plan ?? {}
      cutOpenCalls()
      calls.length = 0
    },
    waitFor(probe, timeoutMs) {
      return notice.waitFor(probe, timeoutMs)
    },
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      cutOpenCalls()
      server.closeAllConnections()
      await closed
      notice.close()
    },
  }
}
