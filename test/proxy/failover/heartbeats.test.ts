import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../support/ask.ts'
import { eventsOf, withoutSerial } from '../../support/dialogs.ts'
import type { Behaviour } from '../../support/fake-upstream.ts'
import { until } from '../../support/gateway.ts'
import { attemptsOf, callerPools, callers, type PooledChannel, startPools } from '../../support/pools.ts'

interface Failure {
  readonly plan: Partial<Behaviour>
  readonly attempts: readonly string[]
  /** What the last event says where nobody answers instead. */
  readonly told: RegExp
  /** And what the entry says of the call. */
  readonly ended: readonly [status: string, httpStatus: number, error: string | RegExp | null]
}

const SAID = 'not you'
const BEAT = ': keep-alive\n\n'

/** Each says nothing until it is released, and fails then. */
const failures: Readonly<Record<string, Failure>> = {
  'a refusal': {
    plan: { neverAnswer: true, status: 401, error: { message: SAID } },
    attempts: ['401 next'],
    told: /upstream_broken.*401.*not you/,
    ended: ['completed', 401, null],
  },
  'an error behind the beginning': {
    plan: {
      stallAfter: 1,
      errorAfter: 1,
      error: { code: 'invalid_api_key', type: 'authentication_error', message: SAID },
    },
    attempts: ['401 next'],
    told: /(invalid_api_key|authentication_error).*not you|not you.*invalid_api_key/,
    ended: ['failed', 200, /^(authentication_error|invalid_api_key)$/],
  },
  'a connection that breaks off': {
    plan: { stallAfter: 1, cutAfter: 1 },
    attempts: ['0 next'],
    told: /upstream_broken/,
    ended: ['failed', 200, 'upstream_broken'],
  },
}

const cases = callerPools.flatMap((pool) =>
  Object.entries(failures).map(([what, failure], place) => ({ ...failure, pool, what, name: `${pool}-${place}` })),
)
const ailing = cases.flatMap(({ pool, plan, name }): [string, PooledChannel][] =>
  [name, `alone-${name}`].map((model) => [
    model,
    { pool, serviceType: callers[pool].serviceType, models: [model], plan },
  ]),
)
const last = callerPools.map((pool): [string, PooledChannel] => [
  `last-${pool}`,
  { pool, serviceType: callers[pool].serviceType, models: ['!alone-*'] },
])
const pools = await startPools(Object.fromEntries([...ailing, ...last]), { env: { SSE_HEARTBEAT_MS: '20' } })
after(() => pools.close())

/** The whole text, of an answer whose first channel was silent until a heartbeat came. */
async function askSilent(pool: (typeof callerPools)[number], model: string) {
  const { path, body } = callers[pool]
  const { id, status, received, whole } = await pools.open(path, { ...body, model, stream: true })
  await until('a heartbeat', () => received().includes(BEAT))
  await until('the channel is silent', () => pools.upstream(model).held() > 0)
  assert.equal(received().replaceAll(BEAT, ''), '', 'what has come so far is nobody’s answer')
  pools.upstream(model).release()
  return { id, status, text: String(await whole()) }
}

for (const { pool, what, name, attempts, told, ended } of cases) {
  test(`${what} of a channel for ${pool} is not seen behind a heartbeat: another one answers`, async () => {
    const { id, status, text } = await askSilent(pool, name)
    assert.equal(status, 200)
    const direct = await pools.ask(callers[pool].path, { ...callers[pool].body, model: 'direct', stream: true })
    assert.equal(shapeOf(text, name), shapeOf(direct.text, 'direct'), 'the events are those of the second channel')
    const entry = await pools.entry(id)
    assert.deepEqual([entry.channel, entry.status, entry.http_status], [`last-${pool}`, 'completed', 200])
    assert.deepEqual(attemptsOf(entry.attempts), attempts)
  })

  test(`${what} of the last channel for ${pool} is the last event behind a heartbeat`, async () => {
    const { id, status, text } = await askSilent(pool, `alone-${name}`)
    assert.equal(status, 200)
    const events = eventsOf(text).filter((data) => data !== '[DONE]')
    assert.deepEqual(events.map(isError), [...events.slice(1).map(() => false), true], 'it is told once, at the end')
    assert.match(events.at(-1) ?? '', told)
    const entry = await pools.entry(id)
    assert.deepEqual([entry.channel, entry.attempts], [`alone-${name}`, null])
    const [ending, httpStatus, error] = ended
    assert.deepEqual([entry.status, entry.http_status], [ending, httpStatus])
    if (error instanceof RegExp) assert.match(entry.error ?? '', error)
    else assert.equal(entry.error, error)
    assert.equal(pools.seen(id).length, 1)
  })
}

/** Without comments, and without what differs from answer to answer. */
function shapeOf(text: string, model: string): string {
  return withoutSerial(eventsOf(text).join('\n')).replaceAll(`"${model}"`, '"model"')
}

/** https://docs.anthropic.com/en/api/errors, and what the SDKs of OpenAI look for in an event. */
function isError(data: string): boolean {
  const { type, error } = json(data)
  return type === 'error' || (error !== undefined && error !== null)
}
