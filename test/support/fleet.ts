import { Agent } from 'node:http'
import type { TestContext } from 'node:test'
import { createSecret } from '../../proxy/auth/secret.ts'
import type { KeyFields } from '../../proxy/domain/key.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { select } from '../../proxy/store/database.ts'
import { createKeyStore, type KeyStore } from '../../proxy/store/keys.ts'
import { migrate } from '../../proxy/store/migrate.ts'
import { openPostgres } from '../../proxy/store/postgres.ts'
import { createPriceStore, type PriceStore } from '../../proxy/store/prices.ts'
import { type Answer, ask } from './ask.ts'
import { keyFields, postgresSettings } from './database.ts'
import { type FakeUpstream, startFakeUpstream } from './fake-upstream.ts'
import { createHome, type Env, type GatewayProcess, startGateway, upstreamEnv } from './gateway.ts'
import { freshDatabase } from './postgres.ts'

/** Several gateways on one PostgreSQL, before an upstream whose answers are as large as was planned. */
export interface Fleet {
  readonly url: string
  readonly gateways: readonly GatewayProcess[]
  readonly keys: KeyStore
  readonly prices: PriceStore
  readonly upstream: FakeUpstream
  createKey(fields: Partial<KeyFields>): Promise<{ readonly id: string; readonly key: string }>
  /** A call whose answer has so many tokens; it says in `max_tokens` that there may be `atMost`. */
  call(gateway: GatewayProcess, key: string, tokens: number, options?: CallOptions): Promise<Answer>
  /** What calls of this key have used, as the upstream has served it. */
  served(key: string): number
  query<Row extends object>(sql: string, ...bind: (string | number)[]): Promise<Row[]>
  /** Clients that call again as soon as they were answered, until all of them have been refused for a while. */
  exhaust(key: string, spending: Spending): Promise<void>
}

interface CallOptions {
  readonly atMost?: number
  readonly stream?: boolean
  readonly model?: string
}

interface Spending {
  readonly clients: number
  /** How large the next answer is, and may be. */
  readonly next: () => { readonly tokens: number } & CallOptions
  /** Those that still answer, if not all. */
  readonly gateways?: readonly GatewayProcess[]
  /** Calls may be cut short, too. */
  readonly onAnswer?: (answer: Answer) => void
}

const INPUT_TOKENS = 5
/** Everybody was refused for so long, with nothing in flight. */
const LASTING_MS = 1000
/** As a client that was told to wait, a little. */
const REFUSED_PAUSE_MS = 50

/** `env` may depend on the gateway's place and on the database's URL, which it may replace. */
export async function startFleet(
  t: TestContext,
  count: number,
  env: Env | ((place: number, url: string) => Env | Promise<Env>) = {},
): Promise<Fleet> {
  const planned = new Map<string, { readonly tokens: number; readonly key: string }>()
  const served = new Map<string, number>()
  const upstream = await startFakeUpstream({
    plan(seen) {
      const { tokens = 0, key = '' } = planned.get(String(seen.headers['x-client-request-id'])) ?? {}
      served.set(key, (served.get(key) ?? 0) + INPUT_TOKENS + tokens)
      return { usage: { input: INPUT_TOKENS, output: tokens }, delayMs: tokens % 7, chunks: 3 }
    },
  })
  t.after(() => upstream.close())
  const url = await freshDatabase()
  const database = await openPostgres(postgresSettings(url))
  t.after(() => database.close())
  await migrate(database)
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const gateways = await Promise.all(
    Array.from({ length: count }, async (_, place) => {
      const own = typeof env === 'function' ? await env(place, url) : env
      const home = await createHome({ ...upstreamEnv(upstream.url), DATABASE_URL: url, ...own })
      const gateway = await startGateway(home)
      t.after(async () => {
        await gateway.stop('SIGKILL')
        await home.remove()
      })
      return gateway
    }),
  )
  const keys = createKeyStore(database)
  let serial = 0
  const fleet: Fleet = {
    url,
    gateways,
    keys,
    prices: createPriceStore(database),
    upstream,
    async createKey(fields) {
      const [id, secret] = [ulid(), createSecret()]
      await keys.create(id, keyFields({ name: id, ...fields }), secret, Date.now())
      return { id, key: secret.key }
    },
    call(gateway, key, tokens, { atMost = tokens, stream = false, model = 'claude-fake' } = {}) {
      const id = `fleet-${++serial}`
      planned.set(id, { tokens, key })
      return ask(`${gateway.url}/v1/messages`, {
        agent,
        headers: { 'x-api-key': key, 'x-client-request-id': id },
        body: { model, max_tokens: atMost, stream, messages: [{ role: 'user', content: 'Hi' }] },
      })
    },
    served: (key) => served.get(key) ?? 0,
    query: <Row extends object>(sql: string, ...bind: (string | number)[]) => select<Row>(database, sql, bind),
    async exhaust(key, { clients, next, gateways: some = gateways, onAnswer }) {
      let inFlight = 0
      let refusedSince = Date.now()
      const isOver = (): boolean => inFlight === 0 && Date.now() - refusedSince > LASTING_MS
      const client = async (place: number): Promise<void> => {
        for (let turn = place; !isOver(); turn++) {
          const gateway = some[turn % some.length]
          if (gateway === undefined) throw new Error('there is no gateway')
          inFlight += 1
          const { tokens, ...options } = next()
          const answer = await fleet.call(gateway, key, tokens, options).catch(() => undefined)
          inFlight -= 1
          if (answer) onAnswer?.(answer)
          // What others hold will be free again: that is no refusal that lasts.
          const isPassing = /window_reserved|channel_busy/.test(answer?.text ?? '')
          if (answer?.status === 200 || isPassing) refusedSince = Date.now()
          if (answer?.status !== 200) await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS))
        }
      }
      await Promise.all(Array.from({ length: clients }, (_, place) => client(place)))
    },
  }
  return fleet
}
