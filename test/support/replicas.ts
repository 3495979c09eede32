import assert from 'node:assert/strict'
import { type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createSecret, type Secret } from '../../proxy/auth/secret.ts'
import type { KeyFields } from '../../proxy/domain/key.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { select } from '../../proxy/store/database.ts'
import { createKeyStore, type KeyStore } from '../../proxy/store/keys.ts'
import { migrate } from '../../proxy/store/migrate.ts'
import { openPostgres } from '../../proxy/store/postgres.ts'
import { type Answer, ask, json } from './ask.ts'
import { keyFields } from './database.ts'
import { message } from './dialogs.ts'
import { type FakeUpstream, startFakeUpstream } from './fake-upstream.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { freePort } from './free-port.ts'
import { createHome, type Env, type Home, startGateway, until, upstreamEnv } from './gateway.ts'

/** What one call of the fake upstream costs, as `message` asks it. */
export const SPEND = 75

/** One gateway process; it can be started again in the same home. */
export interface Replica {
  readonly home: Home
  /** The code of the refusal, or undefined where the call went through; and what `Answer` has. */
  call(key: string, headers?: Readonly<Record<string, string>>): Promise<Answer & { readonly code: string | undefined }>
  get(path: string, key?: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>
  /** What it keeps on its disk for a time without a database; empty where there is nothing. */
  snapshot(): Promise<string>
  /** Sends the signal (SIGTERM) and answers the exit status, null if it was killed. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  restart(signal?: NodeJS.Signals, env?: Env): Promise<void>
}

/** Gateways on one PostgreSQL, before one upstream. What is made here goes with its test. */
export interface Site {
  readonly upstream: FakeUpstream
  readonly databaseUrl: string
  /** As an administrator changes keys, who has no part in the gateways. */
  readonly keys: KeyStore
  createKey(fields?: Partial<KeyFields>, secret?: Secret): Promise<{ readonly id: string; readonly key: string }>
  query<Row extends object>(sql: string, ...bind: (string | number)[]): Promise<Row[]>
  /** Starts a gateway; it may still be unready. */
  start(env?: Env): Promise<Replica>
  /** Starts a gateway that lets calls in. */
  startReady(env?: Env): Promise<Replica>
  /** The database's URL through a fault proxy of its own. */
  throughProxy(url?: string): Promise<{ readonly url: string; readonly faults: FaultProxy }>
  /** Waits until every call that went through has its one entry, and holds the counters against the entries. */
  expectExactLedger(): Promise<void>
}

const SUMS: readonly (readonly [counters: string, entries: string])[] = [
  [
    'SELECT id, lifetime_tokens AS tokens FROM tollgate.api_keys WHERE lifetime_tokens > 0 ORDER BY 1',
    'SELECT key_id AS id, sum(spend_tokens)::bigint AS tokens FROM tollgate.request_logs GROUP BY 1 ORDER BY 1',
  ],
  [
    'SELECT key_id, minute, tokens FROM tollgate.usage_windows ORDER BY 1, 2',
    `SELECT key_id, admitted_at - admitted_at % 60000 AS minute, sum(spend_tokens)::bigint AS tokens
     FROM tollgate.request_logs GROUP BY 1, 2 ORDER BY 1, 2`,
  ],
  [
    'SELECT key_id, sum(calls)::bigint AS calls, sum(spend_tokens)::bigint AS tokens FROM tollgate.usage_stats GROUP BY 1 ORDER BY 1',
    'SELECT key_id, count(*) AS calls, sum(spend_tokens)::bigint AS tokens FROM tollgate.request_logs GROUP BY 1 ORDER BY 1',
  ],
]

/** `env` is for every gateway. */
export async function startSite(t: TestContext, databaseUrl: string, env: Env = {}): Promise<Site> {
  const upstream = await startFakeUpstream()
  t.after(() => upstream.close())
  const database = await openPostgres({
    url: databaseUrl,
    schema: 'tollgate',
    sslMode: undefined,
    sslRootCert: undefined,
    applicationName: 'test',
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 10_000,
    pool: { max: 2, idleMs: 1000 },
    isPooler: false,
  })
  t.after(() => database.close())
  await migrate(database)
  const keys = createKeyStore(database)
  const through = new Set<string>()
  const query = <Row extends object>(sql: string, ...bind: (string | number)[]) => select<Row>(database, sql, bind)

  const start = async (more: Env = {}): Promise<Replica> => {
    const home = await createHome({
      ...upstreamEnv(upstream.url),
      DATABASE_URL: databaseUrl,
      LEDGER_COMMIT_INTERVAL_MS: '20',
      STORAGE_FALLBACK_RETRY_INTERVAL_MS: '50',
      ADMIN_API_KEY: 'tg_an_admin_key_for_tests',
      ...env,
      ...more,
    })
    const started = startReplica(home, (id) => through.add(id))
    t.after(async () => {
      await started.then((replica) => replica.stop('SIGKILL')).catch(() => undefined) // the test has told it
      await home.remove()
    })
    return started
  }

  return {
    upstream,
    databaseUrl,
    keys,
    query,
    start,
    async createKey(fields = {}, secret = createSecret()) {
      const id = ulid()
      await keys.create(id, keyFields({ name: `key-${id}`, ...fields }), secret, Date.now())
      return { id, key: secret.key }
    },
    async startReady(more) {
      const replica = await start(more)
      await untilReady(replica)
      return replica
    },
    async throughProxy(url = databaseUrl) {
      const faults = await startFaultProxy({ port: Number(new URL(url).port) })
      t.after(() => faults.close())
      const inFront = new URL(url)
      inFront.port = String(faults.port)
      return { url: inFront.href, faults }
    },
    async expectExactLedger() {
      const entries = () =>
        query<{ id: string }>('SELECT request_id AS id FROM tollgate.request_logs ORDER BY 1').then((rows) =>
          rows.map(({ id }) => id),
        )
      await until('every call has an entry', async () => (await entries()).length >= through.size)
      assert.deepEqual(await entries(), [...through].toSorted(), 'each call has one entry')
      for (const [counters, sums] of SUMS) assert.deepEqual(await query(counters), await query(sums))
    },
  }
}

/** A key that nobody has made. */
export function unknownKey(): string {
  return createSecret().key
}

/** Longer than it is until the gateway looks for changes again. */
const LASTING_MS = 2500

/** A look that comes behind a change which the one before has read already writes the same snapshot once more. */
export async function untilSnapshotLasts(replica: Replica, isRight: (text: string) => boolean): Promise<void> {
  let since = Infinity
  await until('the snapshot is right, and stays', async () => {
    since = isRight(await replica.snapshot()) ? Math.min(since, Date.now()) : Infinity
    return Date.now() - since > LASTING_MS
  })
}

export function untilReady(replica: Replica): Promise<unknown> {
  return until('the gateway is ready', async () => (await replica.get('/health/ready')).status === 200)
}

const SNAPSHOT = 'keys.snapshot'

let serial = 0

async function startReplica(home: Home, onThrough: (requestId: string) => void): Promise<Replica> {
  let { child, url } = await startListening(home, {})
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close')
      child.kill(signal)
      await closed
    }
    return child.exitCode
  }
  return {
    home,
    async call(key, headers = {}) {
      const id = `call-${++serial}`
      const answer = await ask(`${url}/v1/messages`, {
        body: message,
        headers: { 'x-api-key': key, 'x-request-id': id, ...headers },
      })
      if (answer.status === 200) onThrough(id)
      return { ...answer, code: codeOf(answer) }
    },
    async get(path, key) {
      const { status, text } = await ask(url + path, key === undefined ? {} : { headers: { 'x-api-key': key } })
      return { status, body: json(text) }
    },
    snapshot: () => readFile(join(home.path, SNAPSHOT), 'utf8').catch(() => ''),
    stop,
    async restart(signal, env = {}) {
      await stop(signal)
      ;({ child, url } = await startListening(home, env))
    },
  }
}

/** How many ports to try: each is taken by somebody else once in thousands of times. */
const PORTS = 5

/** An unready gateway tells nobody its port, so it is given one. */
async function startListening(home: Home, env: Env): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    // An address of its own, or what lives there could be another gateway that was given the same port meanwhile.
    const host = `127.${[0, 0, 0].map(() => randomInt(1, 255)).join('.')}`
    const url = `http://${host}:${port}`
    const spawned = Promise.withResolvers<ChildProcess>()
    let problem: Error | undefined
    startGateway(home, { ...env, HOST: host, PORT: String(port) }, spawned.resolve).catch(
      (error: Error) => (problem = error),
    )
    const child = await spawned.promise
    const isLive = (): Promise<boolean> =>
      ask(`${url}/health/live`).then(
        () => true,
        () => false,
      )
    try {
      await until('the gateway listens', async () => problem !== undefined || (await isLive()))
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
    if (problem === undefined) return { child, url }
    if (tries === PORTS || !problem.message.includes('is in use')) throw problem
  }
}

function codeOf({ status, text }: Answer): string | undefined {
  return status === 200 ? undefined : String(json(text)['code'])
}
