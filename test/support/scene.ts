import type { Agent } from 'node:http'
import { ask as askUrl, type Answer, open as openUrl, type Opened } from './ask.ts'
import { type Behaviour, type FakeUpstream, type SeenCall, startFakeUpstream } from './fake-upstream.ts'
import { freePort } from './free-port.ts'
import { createHome, type Env, type GatewayProcess, type Home, startGateway, until, upstreamEnv } from './gateway.ts'

/** A row of request_logs. */
export interface EntryRow {
  readonly id: string
  readonly request_id: string
  readonly key_id: string
  readonly endpoint: string
  readonly model: string | null
  readonly stream: number
  readonly channel: string
  readonly status: string
  readonly http_status: number
  readonly error: string | null
  readonly metering: string
  readonly input_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly output_tokens: number
  readonly reasoning_tokens: number
  readonly spend_tokens: number
  readonly admitted_at: number
  readonly first_byte_ms: number | null
  readonly duration_ms: number
}

export interface CallOptions {
  readonly method?: string
  /** How the upstream behaves at this call, whatever it does at others. */
  readonly plan?: Partial<Behaviour>
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: object | string | Buffer
  /** Sent as Bearer; null sends none. Without it the admin key is sent. */
  readonly key?: string | null
  readonly agent?: Agent
}

/** A gateway process before a fake upstream. Calls are told apart by an id, so they may run side by side. */
export interface Scene {
  readonly upstream: FakeUpstream
  readonly home: Home
  readonly gateway: GatewayProcess
  readonly url: string
  /** A key that may call everything that is open to keys. */
  readonly adminKey: string
  ask(path: string, options?: CallOptions): Promise<Answer & { readonly id: string }>
  open(path: string, options?: CallOptions): Promise<Opened & { readonly id: string }>
  /** Headers that give a call of an SDK an id and a plan of its own. */
  mark(plan?: Partial<Behaviour>): { readonly id: string; readonly headers: Record<string, string> }
  /** Asks the upstream itself: what a client would get if there was no gateway. */
  direct(path: string, options?: Pick<CallOptions, 'body' | 'plan'>): Promise<Answer>
  /** What the upstream saw of a call; undefined if it did not. */
  seen(id: string): SeenCall | undefined
  /** The entry of a call, once it is in the database. Throws when there are two. */
  entry(id: string): Promise<EntryRow>
  entries(id: string): EntryRow[]
  stats(key?: string): Promise<Record<string, unknown>>
  close(): Promise<void>
}

const ADMIN_KEY = 'tg_an_admin_key_for_tests'

export interface SceneOptions {
  readonly env?: Env
  /** Without an upstream the gateway starts as well. */
  readonly hasUpstream?: boolean
}

export async function startScene({ env = {}, hasUpstream = true }: SceneOptions = {}): Promise<Scene> {
  const plans = new Map<string, Partial<Behaviour>>()
  const upstream = await startFakeUpstream({ plan: (call) => plans.get(idOf(call)) ?? {} })
  const home = await createHome({
    ADMIN_API_KEY: ADMIN_KEY,
    LEDGER_COMMIT_INTERVAL_MS: '20',
    CONFIG_POLL_INTERVAL_MS: '20',
    ...(hasUpstream ? upstreamEnv(upstream.url) : {}),
    ...env,
  })
  const gateway = await startGateway(home)
  let serial = 0

  const mark = (plan: Partial<Behaviour> = {}) => {
    serial += 1
    const id = `call-${serial}`
    plans.set(id, plan)
    // The first goes to the upstream, the second into the ledger.
    return { id, headers: { 'x-client-request-id': id, 'x-request-id': id } }
  }
  const prepare = ({ plan, headers, key = ADMIN_KEY, ...rest }: CallOptions) => {
    const marked = mark(plan)
    const credential = key === null ? {} : { authorization: `Bearer ${key}` }
    return { id: marked.id, asked: { ...rest, headers: { ...marked.headers, ...credential, ...headers } } }
  }
  const entries = (id: string) => home.query<EntryRow>('SELECT * FROM request_logs WHERE request_id = ?', id)

  return {
    upstream,
    home,
    gateway,
    url: gateway.url,
    adminKey: ADMIN_KEY,
    mark,
    async ask(path, options = {}) {
      const { id, asked } = prepare(options)
      return { ...(await askUrl(gateway.url + path, asked)), id }
    },
    async open(path, options = {}) {
      const { id, asked } = prepare(options)
      return { ...(await openUrl(gateway.url + path, asked)), id }
    },
    direct: (path, { body, plan } = {}) =>
      askUrl(upstream.url + path, { ...(body && { body }), headers: mark(plan).headers }),
    seen: (id) => upstream.calls.find((call) => idOf(call) === id),
    entries,
    async entry(id) {
      const [row, second] = await until(`an entry of ${id}`, () => {
        const rows = entries(id)
        return rows.length > 0 && rows
      })
      if (row === undefined || second !== undefined) throw new Error(`${id} has more than one entry`)
      return row
    },
    async stats(key = ADMIN_KEY) {
      const { text } = await askUrl(`${gateway.url}/stats`, { headers: { authorization: `Bearer ${key}` } })
      return JSON.parse(text) as Record<string, unknown> // safe: the contract of /stats
    },
    async close() {
      await gateway.stop()
      await upstream.close()
      await home.remove()
    },
  }
}

function idOf(call: SeenCall): string {
  return String(call.headers['x-client-request-id'])
}

/** The environment in which models named glm-* go where nobody listens. */
export async function unreachableZai(): Promise<Env> {
  const url = `http://127.0.0.1:${await freePort()}`
  return { ZAI_API_KEY: 'upstream-zai-secret', ZAI_API_BASE: url, ZAI_ANTHROPIC_BASE: url }
}
