import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FailedAttempt } from '../../../proxy/domain/entry.ts'
import { json } from '../../support/ask.ts'
import type { Behaviour, FakeUpstream } from '../../support/fake-upstream.ts'
import { startPools } from '../../support/pools.ts'

const message = { max_tokens: 100, messages: [{ role: 'user', content: 'Hallo' }] }

const failures: Readonly<Record<string, readonly [plan: Partial<Behaviour>, attempts: readonly string[]]>> = {
  'a refused credential': [{ status: 401 }, ['401 next']],
  'a forbidden account': [{ status: 403 }, ['403 next']],
  'an upstream in trouble': [{ status: 500 }, ['500 again', '500 again', '500 next']],
  'a bad gateway': [{ status: 502 }, ['502 again', '502 again', '502 next']],
  'an upstream that is overloaded': [
    { status: 529, error: { type: 'overloaded_error' } },
    ['529 again', '529 again', '529 next'],
  ],
  'a rate limit': [{ status: 429 }, ['429 again', '429 again', '429 again', '429 next']],
  'a quota that is used up': [{ status: 429, error: { type: 'insufficient_quota' } }, ['429 next']],
  'an upstream that hangs up': [{ hangUp: true }, ['0 next']],
  'a web page': [{ html: true }, ['502 again', '502 again', '502 next']],
}

const preambles: Readonly<Record<string, Partial<Behaviour>>> = {
  'an error before anything': { errorAfter: 0, error: { type: 'rate_limit_error' } },
  'an error behind the beginning of a message': { errorAfter: 1, error: { type: 'rate_limit_error' } },
  'an error behind the beginning of a block': { errorAfter: 2, error: { type: 'rate_limit_error' } },
}

const RATE_LIMITED = ['429 again', '429 again', '429 again', '429 next']

interface Case {
  readonly what: string
  readonly plan: Partial<Behaviour>
  readonly stream: boolean
  readonly attempts: readonly string[]
}

const cases: readonly Case[] = [
  ...Object.entries(failures).flatMap(([what, [plan, attempts]]) =>
    [false, true].map((stream) => ({
      what: `${what}, ${stream ? 'before a stream' : 'before an answer'},`,
      plan,
      stream,
      attempts,
    })),
  ),
  ...Object.entries(preambles).map(([what, plan]) => ({ what, plan, stream: true, attempts: RATE_LIMITED })),
]

/** Each case has a channel of its own, for its own model: none suffers from what became of another. */
const ailing = cases.map(({ plan }, place) => [`ailing-${place}`, { models: [`model-${place}`], plan }] as const)
const singles = ['breaks', 'late', 'ails', 'refuses', 'fails', 'waits', 'crowd'] as const
const others = singles.map((name) => [name, { models: [name] }] as const)
const pools = await startPools({ ...Object.fromEntries([...ailing, ...others]), last: {} })
after(() => pools.close())

function upstream(name: string): FakeUpstream {
  return pools.upstreams[name] ?? assert.fail(`no upstream ${name}`)
}

for (const [place, { what, stream, attempts }] of cases.entries()) {
  test(`${what} is not seen by the caller: another channel answers`, async () => {
    const { id, status, text } = await pools.ask('/v1/messages', { ...message, model: `model-${place}`, stream })
    assert.equal(status, 200)
    assert.ok(text.includes(stream ? 'message_stop' : 'Schlagbaum'))
    assert.equal(text.split('"message_start"').length, stream ? 2 : 1, 'the beginning of the first did not pass')
    const entry = await pools.entry(id)
    assert.deepEqual(
      [entry.channel, entry.status, entry.input_tokens, entry.output_tokens],
      ['last', 'completed', 25, 50],
    )
    assert.deepEqual(attemptsOf(entry.attempts), attempts)
    assert.equal(upstream(`ailing-${place}`).calls.length, attempts.length)
  })
}

test('a stream that breaks off before its first output fails over, and what it told is billed', async () => {
  upstream('breaks').behave({ cutAfter: 1 })
  const { id, text } = await pools.ask('/v1/messages', { ...message, model: 'breaks', stream: true })
  assert.ok(text.includes('message_stop'))
  const entry = await pools.entry(id)
  assert.deepEqual(attemptsOf(entry.attempts), ['0 next'])
  assert.deepEqual([entry.channel, entry.input_tokens], ['last', 50], 'both read the input')
})

test('behind its first output a stream does not fail over: it ends in an error, and is billed', async () => {
  upstream('late').behave({ errorAfter: 5, error: { type: 'overloaded_error' } })
  const { id, status, text } = await pools.ask('/v1/messages', { ...message, model: 'late', stream: true })
  assert.equal(status, 200)
  assert.ok(text.includes('event: error') && !text.includes('message_stop'))
  const entry = await pools.entry(id)
  assert.deepEqual(
    [entry.channel, entry.status, entry.error, entry.attempts],
    ['late', 'failed', 'overloaded_error', null],
  )
  assert.ok(entry.spend_tokens > 0)
})

test("an upstream's own error before any output has used nothing, also where no channel answers in its place", async () => {
  upstream('ails').behave({ errorAfter: 2, error: { type: 'invalid_request_error' } })
  const { id, text } = await pools.ask('/v1/messages', { ...message, model: 'ails', stream: true })
  assert.ok(text.includes('event: error'))
  const { status, error, metering, input_tokens, output_tokens } = await pools.entry(id)
  assert.deepEqual(
    [status, error, metering, input_tokens, output_tokens],
    ['failed', 'invalid_request_error', 'exact', 0, 0],
  )
})

test("a caller's own fault is the caller's, and no other channel is bothered with it", async () => {
  upstream('refuses').behave({
    status: 400,
    error: { type: 'invalid_request_error', message: 'max_tokens: too large' },
  })
  const { id, status, text } = await pools.ask('/v1/messages', { ...message, model: 'refuses' })
  assert.equal(status, 400)
  assert.deepEqual(json(text)['error'], { type: 'invalid_request_error', message: 'max_tokens: too large' })
  const { channel, attempts } = await pools.entry(id)
  assert.deepEqual([channel, attempts], ['refuses', null])
})

test('when every channel has failed the caller gets what the last one said, word by word', async () => {
  upstream('fails').behave({ status: 401 })
  upstream('last').behave({ status: 403, error: { type: 'permission_error', message: 'not you' } })
  const { id, status, text } = await pools.ask('/v1/messages', { ...message, model: 'fails' })
  upstream('last').behave({})
  assert.equal(status, 403)
  assert.deepEqual(json(text)['error'], { type: 'permission_error', message: 'not you' })
  const entry = await pools.entry(id)
  assert.deepEqual([entry.channel, entry.status, entry.http_status, entry.spend_tokens], ['last', 'completed', 403, 0])
  assert.deepEqual(attemptsOf(entry.attempts), ['401 next'])
})

test('what an upstream asks to wait is waited', async () => {
  let refusals = 1
  upstream('waits').behave(() => (refusals-- > 0 ? { status: 429, headers: { 'retry-after-ms': '200' } } : {}))
  const startedAt = performance.now()
  const { id, status } = await pools.ask('/v1/messages', { ...message, model: 'waits' })
  assert.equal(status, 200)
  assert.ok(performance.now() - startedAt >= 200, 'not before')
  const entry = await pools.entry(id)
  assert.deepEqual([entry.channel, attemptsOf(entry.attempts)], ['waits', ['429 again']])
})

test("calls at the same time do not eat each other's retries", async () => {
  const seen = new Map<string, number>()
  upstream('crowd').behave(({ body }) => {
    const name = JSON.stringify(body['messages'])
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return count <= 2 ? { status: 503 } : {}
  })
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, place) =>
      pools.ask('/v1/messages', { ...message, model: 'crowd', messages: [{ role: 'user', content: `call ${place}` }] }),
    ),
  )
  for (const { id, status } of answers) {
    assert.equal(status, 200)
    const entry = await pools.entry(id)
    assert.deepEqual([entry.channel, attemptsOf(entry.attempts)], ['crowd', ['503 again', '503 again']])
  }
})

function attemptsOf(attempts: string | null): readonly string[] {
  const parsed = JSON.parse(attempts ?? '[]') as FailedAttempt[] // safe: written by the gateway
  return parsed.map(({ status, followedBy }) => `${status} ${followedBy}`)
}
