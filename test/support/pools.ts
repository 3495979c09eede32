import { join } from 'node:path'
import type { ChannelInput } from '../../proxy/domain/channel-input.ts'
import type { ChannelStore } from '../../proxy/domain/channel-store.ts'
import type { Channel, Pool, ServiceType } from '../../proxy/domain/channel.ts'
import type { FailedAttempt } from '../../proxy/domain/entry.ts'
import { defaultFailover, type FailoverSettings } from '../../proxy/domain/failover.ts'
import type { Database } from '../../proxy/store/database.ts'
import { migrate } from '../../proxy/store/migrate.ts'
import { createSettingStore } from '../../proxy/store/settings.ts'
import { openSqlite } from '../../proxy/store/sqlite.ts'
import { type Answer, ask, type Asked, open, type Opened } from './ask.ts'
import { channelInput, channelsIn, OLD_KEY } from './channels.ts'
import { chat, message, question } from './dialogs.ts'
import { type FakeUpstream, type Plan, type SeenCall, startFakeUpstream } from './fake-upstream.ts'
import { createHome, type Env, type GatewayProcess, type Home, startGateway, until } from './gateway.ts'
import type { EntryRow } from './scene.ts'

/** A row of request_logs, with what failover adds. */
export interface RoutedEntry extends EntryRow {
  readonly channel_id: string
  /** JSON of `FailedAttempt`s, or null. */
  readonly attempts: string | null
  readonly upstream_model: string | null
  readonly lost: string | null
  readonly cost_nano_usd: number | null
  readonly quota: string | null
}

export interface PooledChannel extends Partial<Omit<ChannelInput, 'baseUrl' | 'keys'>> {
  readonly keys?: readonly string[]
  /** How its upstream behaves. */
  readonly plan?: Plan
}

/** A gateway process with channels in its database, each before a fake upstream of its own. */
export interface Pools {
  readonly url: string
  readonly gateway: GatewayProcess
  readonly home: Home
  /** By the name of the channel. */
  readonly upstreams: Readonly<Record<string, FakeUpstream>>
  readonly channels: Readonly<Record<string, Channel>>
  /** Asks with the admin key, under an id of its own. */
  ask(path: string, body: object, more?: Pick<Asked, 'headers'>): Promise<Answer & { readonly id: string }>
  open(path: string, body: object, more?: Pick<Asked, 'headers'>): Promise<Opened & { readonly id: string }>
  /** The one entry of a call, once it is in the database. */
  entry(id: string): Promise<RoutedEntry>
  upstream(name: string): FakeUpstream
  /** What the upstreams saw of a call, with the names of their channels, which stand as they were named at first. */
  seen(id: string): readonly (readonly [channel: string, call: SeenCall])[]
  /** Changes channels as another process does, while the gateway runs. */
  change<T>(work: (store: ChannelStore) => Promise<T>): Promise<T>
  /** How many calls each upstream has seen. */
  counts(): Readonly<Record<string, number>>
  close(): Promise<void>
}

export interface PoolOptions {
  readonly env?: Env
  readonly failover?: Partial<FailoverSettings>
}

export const ADMIN_KEY = 'tg_an_admin_key_for_tests'

/** The default rules, with retries at once: what they say is tested without waiting for it. */
export const HASTY: FailoverSettings = {
  ...defaultFailover,
  rules: defaultFailover.rules.map(({ codes, chain }) => ({
    codes,
    chain: chain.map((step) => (step.action === 'retry' ? { ...step, waitSeconds: 0.01 } : step)),
  })),
}

/** The channels in the order in which they are named; in the pool `messages` where nothing else is said. */
export async function startPools(
  pooled: Readonly<Record<string, PooledChannel>>,
  { env = {}, failover = HASTY }: PoolOptions = {},
): Promise<Pools> {
  const upstreams: Record<string, FakeUpstream> = {}
  for (const [name, { plan }] of Object.entries(pooled)) upstreams[name] = await startFakeUpstream(plan ? { plan } : {})
  const home = await createHome({
    ADMIN_API_KEY: ADMIN_KEY,
    ENCRYPTION_KEY: OLD_KEY.toString('hex'),
    LEDGER_COMMIT_INTERVAL_MS: '20',
    CONFIG_POLL_INTERVAL_MS: '20',
    FAILOVER_DEADLINE_MS: '',
    ...env,
  })
  const channels = await seed(home, pooled, upstreams, failover)
  const gateway = await startGateway(home)
  let serial = 0
  const prepare = (body: object, headers: Asked['headers'] = {}) => {
    const id = `call-${++serial}`
    // The first goes into the ledger, the second to the upstream.
    const marks = { 'x-request-id': id, 'x-client-request-id': id }
    return { id, asked: { body, headers: { authorization: `Bearer ${ADMIN_KEY}`, ...marks, ...headers } } }
  }
  return {
    url: gateway.url,
    gateway,
    home,
    upstreams,
    channels,
    async ask(path, body, { headers } = {}) {
      const { id, asked } = prepare(body, headers)
      return { ...(await ask(gateway.url + path, asked)), id }
    },
    async open(path, body, { headers } = {}) {
      const { id, asked } = prepare(body, headers)
      return { ...(await open(gateway.url + path, asked)), id }
    },
    async entry(id) {
      const [row, second] = await until(`an entry of ${id}`, () => {
        const rows = home.query<RoutedEntry>('SELECT * FROM request_logs WHERE request_id = ?', id)
        return rows.length > 0 && rows
      })
      if (row === undefined || second !== undefined) throw new Error(`${id} has more than one entry`)
      return row
    },
    upstream(name) {
      const upstream = upstreams[name]
      if (upstream === undefined) throw new Error(`no upstream ${name}`)
      return upstream
    },
    seen: (id) =>
      Object.entries(upstreams).flatMap(([name, { calls }]) =>
        calls.filter(({ headers }) => headers['x-client-request-id'] === id).map((call) => [name, call] as const),
      ),
    change: (work) => inDatabase(home, (database) => work(channelsIn(database))),
    counts: () => Object.fromEntries(Object.entries(upstreams).map(([name, { calls }]) => [name, calls.length])),
    async close() {
      await gateway.stop()
      for (const upstream of Object.values(upstreams)) await upstream.close()
      await home.remove()
    },
  }
}

/** What was done after each failed attempt, in order. */
export function attemptsOf(attempts: string | null): readonly string[] {
  const parsed = JSON.parse(attempts ?? '[]') as FailedAttempt[] // safe: written by the gateway
  return parsed.map(({ status, followedBy }) => `${status} ${followedBy}`)
}

/** How callers of each pool ask, and what a channel that speaks their format is. */
export const callers = {
  messages: { path: '/v1/messages', body: message, serviceType: 'claude' },
  chat: { path: '/v1/chat/completions', body: chat, serviceType: 'openai_chat' },
  responses: { path: '/v1/responses', body: question, serviceType: 'responses' },
} as const satisfies Partial<Record<Pool, { path: string; body: object; serviceType: ServiceType }>>

export const callerPools = ['messages', 'chat', 'responses'] as const

async function inDatabase<T>(home: Home, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openSqlite(join(home.path, 'tollgate.db'))
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

async function seed(
  home: Home,
  pooled: Readonly<Record<string, PooledChannel>>,
  upstreams: Readonly<Record<string, FakeUpstream>>,
  failover: Partial<FailoverSettings>,
): Promise<Record<string, Channel>> {
  return inDatabase(home, async (database) => {
    await migrate(database)
    await createSettingStore(database).set('failover', failover)
    const store = channelsIn(database)
    const channels: Record<string, Channel> = {}
    for (const [name, { plan: _, ...said }] of Object.entries(pooled)) {
      const url = upstreams[name]?.url ?? ''
      const baseUrl = (said.serviceType ?? 'claude') === 'claude' ? url : `${url}/v1`
      const input = channelInput({ name, baseUrl, keys: [`upstream-secret-of-${name}`], ...said })
      channels[name] = await store.create(input, Date.now())
    }
    return channels
  })
}
