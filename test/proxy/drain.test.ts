import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { type Answer, ask, json, open, type Opened } from '../support/ask.ts'
import { chat, eventsOf, message } from '../support/dialogs.ts'
import { type FakeUpstream, type Plan, startFakeUpstream } from '../support/fake-upstream.ts'
import {
  createHome,
  type Env,
  type GatewayProcess,
  type Home,
  startGateway,
  until,
  upstreamEnv,
} from '../support/gateway.ts'
import type { EntryRow } from '../support/scene.ts'
import { mountTinyDisk } from '../support/tiny-disk.ts'

const ADMIN_KEY = 'tg_an_admin_key_for_tests'
const headers = { authorization: `Bearer ${ADMIN_KEY}` }

interface Stage {
  readonly home: Home
  readonly upstream: FakeUpstream
  readonly gateway: GatewayProcess
  readonly entries: () => EntryRow[]
}

async function startStage(t: TestContext, plan: Plan, env: Env = {}): Promise<Stage> {
  const upstream = await startFakeUpstream({ plan })
  const home = await createHome({ ...upstreamEnv(upstream.url), ADMIN_API_KEY: ADMIN_KEY, ...env })
  const gateway = await startGateway(home)
  t.after(async () => {
    await gateway.stop('SIGKILL')
    await upstream.close()
    await home.remove()
  })
  return { home, upstream, gateway, entries: () => home.query<EntryRow>('SELECT * FROM request_logs ORDER BY id') }
}

/** Four streams of each dialect, each with a few events behind it and more to come. */
async function openStreams({ gateway, upstream }: Stage, agent?: Agent): Promise<Opened[]> {
  const more = agent ? { headers, agent } : { headers }
  const streams = await Promise.all(
    Array.from({ length: 8 }, (_, place) =>
      place % 2 === 0
        ? open(`${gateway.url}/v1/messages`, { ...more, body: { ...message, stream: true } })
        : open(`${gateway.url}/v1/chat/completions`, { ...more, body: { ...chat, stream: true } }),
    ),
  )
  await upstream.waitFor((calls) => calls.length === 8 && calls.every(({ served }) => served.events >= 4))
  await until('the clients have it', () => streams.every((stream) => stream.received().includes('Grüße')))
  return streams
}

const lifetime = 'SELECT sum(lifetime_tokens) AS tokens FROM api_keys'
const spent = 'SELECT sum(spend_tokens) AS tokens FROM request_logs'
const spool = ({ path }: Home): string[] => readdirSync(join(path, 'spool'))

test('streams that are under way at SIGTERM are finished, written down, and waited for no longer than that', async (t) => {
  const stage = await startStage(t, { stallAfter: 4 })
  const { gateway, upstream, home } = stage
  const agent = new Agent({ keepAlive: true })
  const streams = await openStreams(stage, agent)
  gateway.process.kill('SIGTERM')
  await until('new connections are refused', () =>
    ask(`${gateway.url}/health/live`).then(
      () => false,
      () => true,
    ),
  )
  assert.equal(gateway.process.exitCode, null)
  upstream.release()
  for (const [place, stream] of streams.entries()) {
    const events = eventsOf((await stream.whole()).toString())
    assert.match(events.at(-1) ?? '', place % 2 === 0 ? /message_stop/ : /^\[DONE\]$/)
  }
  // The clients keep their connections, and the gateway does not wait for them: far below SHUTDOWN_GRACE_MS (30 s).
  await until('the exit', () => gateway.process.exitCode !== null)
  agent.destroy()
  assert.equal(gateway.process.exitCode, 0)
  assert.deepEqual(
    stage.entries().map(({ metering, status }) => [metering, status]),
    Array.from({ length: 8 }, () => ['exact', 'completed']),
  )
  assert.deepEqual(
    stage.entries().map(({ output_tokens: output }) => output),
    Array(8).fill(50),
  )
  assert.deepEqual(home.query(lifetime), home.query(spent))
  assert.deepEqual(spool(home), [])
})

test('streams that take longer than the grace period end with an error event and are estimated', async (t) => {
  const stage = await startStage(t, { stallAfter: 4 }, { SHUTDOWN_GRACE_MS: '100' })
  const streams = await openStreams(stage)
  assert.equal(await stage.gateway.stop(), 0)
  for (const [place, stream] of streams.entries()) {
    const last = json(eventsOf((await stream.whole()).toString()).at(-1) ?? '')
    assert.match(JSON.stringify(last), /shutting down/)
    if (place % 2 === 0) assert.equal(last['type'], 'error')
  }
  const entries = stage.entries()
  assert.equal(entries.length, 8)
  for (const { status, error, metering, spend_tokens: spend } of entries) {
    assert.deepEqual([status, error, metering], ['failed', 'shutting_down', 'estimated'])
    assert.ok(spend > 0)
  }
  assert.deepEqual(stage.home.query(lifetime), stage.home.query(spent))
  assert.deepEqual(spool(stage.home), [])
})

test('a client that does not read, and one that does not send, do not hold the end up', async (t) => {
  const stage = await startStage(t, { hugeBodyBytes: 32 * 1024 * 1024 }, { SHUTDOWN_GRACE_MS: '100' })
  const { gateway } = stage
  const deaf = await open(`${gateway.url}/v1/messages`, { headers, body: message })
  deaf.message.pause()
  await stage.upstream.waitFor(([call]) => (call?.served.bytes ?? 0) > 0)
  const silent = open(`${gateway.url}/v1/messages`, { headers: { ...headers, 'content-length': '10' }, method: 'POST' })
  silent.catch(() => undefined)
  assert.equal(await stage.gateway.stop(), 0)
  const [entry, second] = stage.entries()
  assert.equal(second, undefined)
  assert.deepEqual([entry?.status, entry?.metering], ['failed', 'estimated'])
  assert.deepEqual(spool(stage.home), [])
})

/** The lines of a process's output that `ledger replay` is there for, between others. */
function writeOutput({ home, gateway }: Stage): string {
  const file = join(home.path, 'output.log')
  writeFileSync(file, ['a line of something else', '', ...gateway.log.map((line) => JSON.stringify(line))].join('\n'))
  return file
}

test('what the database did not take in time is printed, and counts once however often it is read back', async (t) => {
  const stage = await startStage(t, {}, { SHUTDOWN_GRACE_MS: '100', LEDGER_COMMIT_INTERVAL_MS: '100' })
  const { home, gateway } = stage
  const first = await ask(`${gateway.url}/v1/messages`, { headers, body: message })
  assert.equal(first.status, 200)
  await until('the first entry is there', () => stage.entries().length === 1)

  const database = new DatabaseSync(join(home.path, 'tollgate.db'), { timeout: 10_000 })
  database.exec('BEGIN EXCLUSIVE')
  const answers: Answer[] = []
  for (let call = 0; call < 5; call++) answers.push(await ask(`${gateway.url}/v1/messages`, { headers, body: message }))
  assert.ok(answers.every(({ status }) => status === 200))
  assert.equal(await stage.gateway.stop(), 0)
  database.exec('ROLLBACK')
  database.close()
  assert.equal(stage.entries().length, 1)
  assert.equal(spool(home).length, 1)

  const output = writeOutput(stage)
  const replay = async (...more: string[]) =>
    json((await home.command(['ledger', 'replay', output, '--json', ...more])).stdout)
  assert.deepEqual(pickCounts(await replay('--dry-run')), { entries: 5, applied: 0 })
  assert.equal(stage.entries().length, 1)
  assert.deepEqual(pickCounts(await replay()), { entries: 5, applied: 5 })
  assert.deepEqual(pickCounts(await replay()), { entries: 5, applied: 0 })

  const next = await startGateway(home)
  assert.equal((await ask(`${next.url}/health/ready`)).status, 200)
  assert.equal(spool(home).length, 1, 'the old folder was adopted')
  assert.equal(await next.stop(), 0)
  assert.deepEqual(spool(home), [])
  assert.deepEqual(pickCounts(await replay()), { entries: 5, applied: 0 })

  assert.equal(stage.entries().length, 6)
  assert.ok(stage.entries().every(({ metering, output_tokens: out }) => metering === 'exact' && out === 50))
  assert.equal(home.query<{ tokens: number }>(lifetime)[0]?.tokens, 6 * 75)
  assert.equal(home.query<{ tokens: number }>('SELECT sum(tokens) AS tokens FROM usage_windows')[0]?.tokens, 6 * 75)
})

function pickCounts({ entries, applied }: Record<string, unknown>): object {
  return { entries, applied }
}

test('a spool disk that is full does not hold the end up: what it does not take is printed', async (t) => {
  const disk = mountTinyDisk(t)
  if (!disk) return
  const stage = await startStage(t, { stallAfter: 4 }, { SHUTDOWN_GRACE_MS: '100', SPOOL_DIR: disk.path })
  const { home, gateway, upstream } = stage
  // More than fits into the page that has been begun.
  const body = { ...message, stream: true }
  const opening = Array.from({ length: 24 }, () => open(`${gateway.url}/v1/messages`, { headers, body }))
  const streams = await Promise.all(opening)
  await upstream.waitFor((calls) => calls.length === 24 && calls.every(({ served }) => served.events >= 4))
  disk.fill()
  assert.equal(await gateway.stop(), 0)
  for (const stream of streams) stream.message.destroy()
  const before = stage.entries().length
  assert.ok(before < 24)
  const replayed = json((await home.command(['ledger', 'replay', writeOutput(stage), '--json'])).stdout)
  assert.equal(replayed['applied'], 24 - before)
  assert.equal(stage.entries().length, 24)
  assert.deepEqual(home.query(lifetime), home.query(spent))
})
