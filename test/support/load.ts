import { Agent, type IncomingMessage, request } from 'node:http'
import type { Behaviour, Usage } from './fake-upstream.ts'

/** Calls of many clients against a gateway that comes and goes. Each call names a model of its own. */
export interface Load {
  /** What the upstream is to do at a call, by its model. */
  readonly plans: ReadonlyMap<string, Partial<Behaviour> & { readonly usage: Usage }>
  /** Calls whose client saw the last byte or the terminal event. */
  readonly complete: ReadonlySet<string>
  /** Calls whose client waits for the rest. */
  readonly inFlight: ReadonlySet<string>
  /** From now on calls go there; undefined holds them. */
  aim(url: string | undefined): void
  /** Resolves when every client has ended its last call. */
  stop(): Promise<void>
}

interface Options {
  readonly clients: number
  readonly keys: readonly string[]
  readonly random: () => number
}

/** Numbers between 0 and 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const dialects = {
  messages: { path: '/v1/messages', terminal: 'event: message_stop' },
  chat: { path: '/v1/chat/completions', terminal: 'data: [DONE]' },
} as const

export function startLoad({ clients, keys, random }: Options): Load {
  const plans = new Map<string, Partial<Behaviour> & { readonly usage: Usage }>()
  const complete = new Set<string>()
  const inFlight = new Set<string>()
  let serial = 0
  let isOver = false
  let target: { readonly url: string; readonly agent: Agent } | undefined
  let aimed = Promise.withResolvers<void>()

  const client = async (key: string): Promise<void> => {
    for (;;) {
      if (isOver) return
      if (target === undefined) {
        await aimed.promise
        continue
      }
      const dialect = dialects[random() < 0.5 ? 'messages' : 'chat']
      const stream = random() < 0.7
      const model = `model-${++serial}`
      plans.set(model, planOf(random, dialect === dialects.messages))
      inFlight.add(model)
      const isWhole = await call(target, dialect, key, { model, stream })
      if (isWhole) complete.add(model)
      inFlight.delete(model)
    }
  }
  const running = Array.from({ length: clients }, (_, place) => client(keys[place % keys.length] ?? ''))

  const aim = (url: string | undefined): void => {
    target?.agent.destroy()
    target = url === undefined ? undefined : { url, agent: new Agent({ keepAlive: true }) }
    if (target === undefined) return
    aimed.resolve()
    aimed = Promise.withResolvers<void>()
  }
  return {
    plans,
    complete,
    inFlight,
    aim,
    async stop() {
      isOver = true
      aimed.resolve()
      await Promise.all(running)
      aim(undefined)
    },
  }
}

/** Most calls are small, and some are a thousand times as large. */
function planOf(random: () => number, writesCache: boolean): Partial<Behaviour> & { readonly usage: Usage } {
  const tokens = (): number => Math.min(1_000_000, Math.floor(10 / (random() + 1e-6) ** 1.3))
  const output = tokens()
  return {
    usage: {
      input: tokens(),
      cacheRead: tokens(),
      cacheWrite: writesCache ? tokens() : 0,
      cacheWrite1h: 0,
      output,
      reasoning: writesCache ? 0 : Math.floor(output * random()),
    },
    delayMs: random() * 20,
    betweenMs: random() * 6,
  }
}

/** Answers whether the whole answer came; an answer that did not is no error here. */
function call(
  { url, agent }: { readonly url: string; readonly agent: Agent },
  { path, terminal }: (typeof dialects)[keyof typeof dialects],
  key: string,
  { model, stream }: { readonly model: string; readonly stream: boolean },
): Promise<boolean> {
  const body = JSON.stringify({ model, stream, max_tokens: 1000, messages: [{ role: 'user', content: 'Hallo' }] })
  return new Promise((resolve) => {
    let text = ''
    const isWhole = (answer?: IncomingMessage): boolean =>
      answer?.statusCode === 200 && (stream ? text.includes(terminal) : answer.complete)
    const sent = request(
      url + path,
      { method: 'POST', agent, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } },
      (answer) => {
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => (text += chunk))
        answer.on('error', () => undefined) // 'close' follows
        answer.on('close', () => resolve(isWhole(answer)))
      },
    )
    sent.on('error', () => resolve(false))
    sent.end(body)
  })
}
