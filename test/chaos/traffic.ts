import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Behaviour, SeenCall, Usage } from '../support/fake-upstream.ts'
import type { Random } from './random.ts'

/** A key that clients call with. */
export interface TrafficKey {
  readonly id: string
  readonly key: string
  readonly name: string
  /** Whether 429 is an answer to expect. */
  readonly isLimited: boolean
  /** When it began to be revoked: from then on it may be refused. */
  endedAt?: number
}

/** What one client did and got. */
export interface Call {
  readonly id: string
  readonly key: TrafficKey
  readonly target: string
  readonly model: string
  readonly plan: Partial<Behaviour> & { readonly usage: Usage }
  readonly startedAt: number
  /** `whole`: the client saw the last byte of the answer, or its terminal event. `stuck`: nothing came for too long. */
  end: 'open' | 'whole' | 'broken' | 'hung up' | 'stuck'
  endedAt: number
  status?: number
  /** What came with an answer that is not 200. */
  refusal?: string
}

export interface Target {
  readonly name: string
  /** Undefined while it is down. */
  readonly url: () => string | undefined
}

/** A steady load of many clients, bounded by how many they are. Each stays with one target. */
export interface Traffic {
  /** Since the last `forget`. */
  readonly calls: ReadonlyMap<string, Call>
  /** Whom new calls are made with. */
  readonly keys: Set<TrafficKey>
  /** How many answers with status 200 were seen to their end, ever. */
  readonly completed: () => number
  /** Begins no new calls, and resolves when the old ones have ended. */
  hold(): Promise<void>
  go(): void
  forget(): void
  stop(): Promise<void>
}

const MAX_THINK_MS = 60
/** Longer than every fault, so whoever waits so long waits for nothing. */
const PATIENCE_MS = 45_000
const MODELS = ['model-a', 'model-b', 'model-c', 'model-d', 'model-e'] as const

const dialects = {
  messages: { path: '/v1/messages', terminal: 'event: message_stop' },
  chat: { path: '/v1/chat/completions', terminal: 'data: [DONE]' },
} as const
type Dialect = (typeof dialects)[keyof typeof dialects]

/** The id that a client gave its call; the upstream gets to see it. */
export function idOf(seen: SeenCall): string {
  return String(seen.headers['x-client-request-id'])
}

export function startTraffic(random: Random, targets: readonly Target[], clientsEach = 5): Traffic {
  const calls = new Map<string, Call>()
  const keys = new Set<TrafficKey>()
  let serial = 0
  let completed = 0
  let isOver = false
  let busy = 0
  let going: PromiseWithResolvers<void> | undefined = Promise.withResolvers()
  let idle = Promise.withResolvers<void>()

  const client = async (target: Target): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (;;) {
      if (going) await going.promise
      if (isOver) return agent.destroy()
      busy += 1
      await wait(random.next() * MAX_THINK_MS)
      const url = target.url()
      const key = [...keys][Math.floor(random.next() * keys.size)]
      if (url !== undefined && key !== undefined && !going && !isOver) {
        const dialect = dialects[random.chance(0.5) ? 'messages' : 'chat']
        const call = callOf(`call-${++serial}`, random, dialect, key, target.name)
        calls.set(call.id, call)
        await make(call, url, agent, dialect, random)
        if (call.end === 'whole' && call.status === 200) completed += 1
      }
      busy -= 1
      if (busy === 0) idle.resolve()
    }
  }
  const running = targets.flatMap((target) => Array.from({ length: clientsEach }, () => client(target)))

  return {
    calls,
    keys,
    completed: () => completed,
    async hold() {
      going ??= Promise.withResolvers()
      idle = Promise.withResolvers()
      if (busy > 0) await idle.promise
    },
    go() {
      going?.resolve()
      going = undefined
    },
    forget: () => calls.clear(),
    async stop() {
      isOver = true
      going?.resolve()
      await Promise.all(running)
    },
  }
}

function callOf(id: string, random: Random, dialect: Dialect, key: TrafficKey, target: string): Call {
  const now = Date.now()
  const plan = { ...planOf(random, dialect === dialects.messages), ...troubleOf(random) }
  return { id, key, target, model: random.pick(MODELS), plan, startedAt: now, end: 'open', endedAt: now }
}

/** Most calls are small, and some are a thousand times as large. */
function planOf(random: Random, writesCache: boolean): Partial<Behaviour> & { readonly usage: Usage } {
  const tokens = (): number => Math.min(1_000_000, Math.floor(10 / (random.next() + 1e-6) ** 1.3))
  const output = tokens()
  return {
    usage: {
      input: tokens(),
      cacheRead: tokens(),
      cacheWrite: writesCache ? tokens() : 0,
      cacheWrite1h: 0,
      output,
      reasoning: writesCache ? 0 : Math.floor(output * random.next()),
    },
    delayMs: random.next() * 30,
    betweenMs: random.next() * 10,
  }
}

/** A few calls are refused by the upstream, and a few answers are broken off by it. */
function troubleOf(random: Random): Partial<Pick<Behaviour, 'status' | 'cutAfter'>> {
  const draw = random.next()
  if (draw < 0.03) return { status: random.pick([400, 429, 500, 529]) }
  return draw < 0.05 ? { cutAfter: 2 } : {}
}

/** Makes the call and writes down in it how it ended. */
function make(call: Call, url: string, agent: Agent, { path, terminal }: Dialect, random: Random): Promise<void> {
  const isStream = random.chance(0.6)
  const hangsUpAfterMs = random.chance(0.06) ? random.next() * 60 : undefined
  const headers = {
    authorization: `Bearer ${call.key.key}`,
    'content-type': 'application/json',
    'x-request-id': call.id,
    'x-client-request-id': call.id,
  }
  const messages = [{ role: 'user', content: 'Hallo. '.repeat(1 + random.next() * 40) }]
  const body = JSON.stringify({ model: call.model, stream: isStream, max_tokens: 1000, messages })
  return new Promise((resolve) => {
    const finish = (end: Call['end'], text: string, answer?: IncomingMessage): void => {
      if (call.end !== 'open') return
      clearTimeout(hangUp)
      call.end = end
      call.endedAt = Date.now()
      if (answer?.statusCode !== undefined) call.status = answer.statusCode
      if (answer?.statusCode !== 200) call.refusal = text.slice(0, 200)
      resolve()
    }
    const sent = request(url + path, { method: 'POST', agent, headers, timeout: PATIENCE_MS }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('error', () => undefined) // 'close' follows
      answer.on('close', () => {
        const isWhole = isStream && answer.statusCode === 200 ? text.includes(terminal) : answer.complete
        finish(isWhole ? 'whole' : 'broken', text, answer)
      })
    })
    const hangUp = setTimeout(() => {
      finish(hangsUpAfterMs === undefined ? 'stuck' : 'hung up', '')
      sent.destroy()
    }, hangsUpAfterMs ?? PATIENCE_MS)
    sent.on('error', (error) => finish('broken', String(error)))
    sent.end(body)
  })
}
