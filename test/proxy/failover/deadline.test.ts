import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FailedAttempt } from '../../../proxy/domain/entry.ts'
import { defaultFailover } from '../../../proxy/domain/failover.ts'
import { type Answer, json } from '../../support/ask.ts'
import { eventsOf } from '../../support/dialogs.ts'
import type { Behaviour } from '../../support/fake-upstream.ts'
import { until } from '../../support/gateway.ts'
import { attemptsOf, callerPools, callers, type PooledChannel, type Pools, startPools } from '../../support/pools.ts'

/** Long enough for a busy machine to let all the calls that come at once get to where they wait. */
const DEADLINE_MS = 2500
/** A timer may be early by what a clock rounds. */
const ROUNDING_MS = 5
const TOO_LATE_MS = 2900

const silences: Readonly<Record<string, Partial<Behaviour>>> = {
  'no head': { neverAnswer: true },
  'no event': { stallAfter: 0 },
  'nothing but how it begins': { stallAfter: 1 },
}

const cases = callerPools.flatMap((pool) =>
  Object.entries(silences).map(([what, plan], place) => ({ pool, what, plan, name: `${pool}-${place}` })),
)
const silent = cases.map(({ pool, plan, name }): [string, PooledChannel] => [
  name,
  { pool, serviceType: callers[pool].serviceType, models: [name], plan },
])
const spares = callerPools.map((pool): [string, PooledChannel] => [
  `spare-${pool}`,
  { pool, serviceType: callers[pool].serviceType },
])
const others: Readonly<Record<string, PooledChannel>> = {
  slow: { models: ['slow'], plan: { delayMs: TOO_LATE_MS } },
  refuses: { models: ['refuses'], plan: { delayMs: TOO_LATE_MS, status: 500 } },
  pauses: { models: ['pauses'], plan: { stallAfter: 5 } },
}

const env = { FAILOVER_DEADLINE_MS: String(DEADLINE_MS) }
const channels = { ...Object.fromEntries(silent), ...others, ...Object.fromEntries(spares) }
const quiet = await startPools(channels, { env })
const beating = await startPools(channels, { env: { ...env, SSE_HEARTBEAT_MS: '20' } })
const rules = defaultFailover.rules.map((rule) =>
  rule.codes === '429' ? { ...rule, chain: [{ action: 'retry', waitSeconds: 0, maxAttempts: 3 } as const] } : rule,
)
const patient = await startPools(
  { ailing: { models: ['!waits'], plan: { status: 500 } }, last: {} },
  { env: { FAILOVER_DEADLINE_MS: '4000' }, failover: { ...defaultFailover, rules } },
)
after(async () => {
  for (const pools of [quiet, beating, patient]) await pools.close()
})

interface Silenced extends Answer {
  readonly id: string
  readonly tookMs: number
}

/** By the name of the channel: all at once, since each takes until the deadline. */
async function askSilent(pools: Pools): Promise<ReadonlyMap<string, Silenced>> {
  const answers = cases.map(async ({ pool, name }) => {
    const startedAt = performance.now()
    const answer = await pools.ask(callers[pool].path, { ...callers[pool].body, model: name, stream: true })
    return [name, { ...answer, tookMs: performance.now() - startedAt }] as const
  })
  return new Map(await Promise.all(answers))
}

function askWhole(model: string) {
  return quiet.ask(callers.messages.path, { ...callers.messages.body, model })
}

const asked = Promise.all([askSilent(quiet), askSilent(beating), askWhole('slow'), askWhole('refuses')])

for (const { pool, what, name } of cases) {
  test(`a stream of ${pool} of which there is ${what} is cut at the deadline, and nothing begins after it`, async () => {
    const [unwarned] = await asked
    const { id, status, text, tookMs } = unwarned.get(name) ?? assert.fail()
    assert.ok(tookMs >= DEADLINE_MS - ROUNDING_MS, 'not before')
    const hasBegun = what.startsWith('nothing but')
    assert.equal(status, hasBegun ? 200 : 504)
    assert.equal(codeIn(hasBegun ? eventsOf(text).at(-1) : text), 'upstream_timeout')

    await quiet.upstream(name).waitFor(([call]) => call?.ended === 'client_gone')
    assert.deepEqual(channelsSeen(quiet, id), [name])
    const entry = await quiet.entry(id)
    assert.deepEqual(
      [entry.channel, entry.status, entry.error, entry.http_status, entry.attempts],
      [name, 'failed', 'upstream_timeout', status, null],
    )
  })

  test(`behind a heartbeat the deadline of a stream of ${pool} with ${what} is an event`, async () => {
    const [, behindHeartbeats] = await asked
    const { id, status, text } = behindHeartbeats.get(name) ?? assert.fail()
    assert.equal(status, 200)
    assert.ok(text.startsWith(': keep-alive\n\n'))
    const codes = eventsOf(text).map(codeIn)
    assert.equal(codes.at(-1), 'upstream_timeout')
    assert.equal(codes.filter((code) => code !== undefined).length, 1, 'it is told once')
    assert.equal(text.includes('event: error\n'), pool !== 'chat', 'as the SDKs of each vendor expect it')
    const entry = await beating.entry(id)
    assert.deepEqual([entry.channel, entry.status, entry.error], [name, 'failed', 'upstream_timeout'])
    assert.deepEqual(channelsSeen(beating, id), [name])
  })
}

test('a whole answer may take longer than the deadline', async () => {
  const [, , { id, status, text }] = await asked
  assert.equal(status, 200)
  assert.ok(text.includes('Schlagbaum'))
  const { channel, attempts, duration_ms } = await quiet.entry(id)
  assert.deepEqual([channel, attempts], ['slow', null])
  assert.ok(duration_ms > DEADLINE_MS)
})

test('a stream that has begun may take longer than the deadline', async () => {
  const startedAt = performance.now()
  const { path, body } = callers.messages
  const { id, received, whole } = await quiet.open(path, { ...body, model: 'pauses', stream: true })
  await until('its first output', () => received().includes('text_delta'))
  await until('the deadline', () => performance.now() - startedAt > TOO_LATE_MS)
  quiet.upstream('pauses').release()
  assert.ok(String(await whole()).includes('message_stop'))
  const { status, output_tokens } = await quiet.entry(id)
  assert.deepEqual([status, output_tokens], ['completed', 50])
})

test('an answer that fails behind the deadline is the answer', async () => {
  const [, , , { id, status }] = await asked
  assert.equal(status, 500)
  assert.deepEqual(channelsSeen(quiet, id), ['refuses'])
  const { channel, http_status, attempts } = await quiet.entry(id)
  assert.deepEqual([channel, http_status, attempts], ['refuses', 500, null])
})

test('a retry that would come behind the deadline is not waited for: another channel answers', async () => {
  const { id, status } = await patient.ask(callers.messages.path, callers.messages.body)
  assert.equal(status, 200)
  const { channel, attempts } = await patient.entry(id)
  assert.deepEqual([channel, attemptsOf(attempts)], ['last', ['500 next']])
})

function channelsSeen(pools: Pools, id: string): readonly string[] {
  return pools.seen(id).map(([channel]) => channel)
}

test('the wait for a retry is no part of the attempt before it', async () => {
  const waitMs = 300
  let refusals = 1
  patient
    .upstream('last')
    .behave(() => (refusals-- > 0 ? { status: 429, headers: { 'retry-after-ms': String(waitMs) } } : {}))
  const { id } = await patient.ask(callers.messages.path, { ...callers.messages.body, model: 'waits' })
  const { attempts, duration_ms } = await patient.entry(id)
  const [attempt] = JSON.parse(attempts ?? '[]') as FailedAttempt[] // safe: written by the gateway
  assert.equal(attempt?.status, 429)
  assert.ok(duration_ms - attempt.durationMs >= waitMs - ROUNDING_MS)
})

/** The code of the error catalogue in an answer or an event, in whichever dialect it is told. */
function codeIn(text = '{}'): unknown {
  if (text === '[DONE]') return undefined
  const { code, error } = json(text)
  return code ?? (error as { readonly code?: unknown } | undefined)?.code // safe: only asked
}
