import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import type { FailedAttempt } from '../../../proxy/domain/entry.ts'
import { json } from '../../support/ask.ts'
import { countersOf, sumsOf } from '../../support/counters.ts'
import type { TestDatabase } from '../../support/database.ts'
import type { Behaviour, SeenCall } from '../../support/fake-upstream.ts'
import { callerPools, callers, type PooledChannel, type RoutedEntry, startPools } from '../../support/pools.ts'
import { rounds } from '../../support/rounds.ts'

type CallerPool = (typeof callerPools)[number]

/** What an upstream does with one attempt. */
interface Deed {
  readonly kind: 'serves' | 'refuses' | 'tells an error' | 'cuts' | 'hangs up' | 'shows a page' | 'is silent'
  readonly status: number
  readonly type: string
  /** After how many events. */
  readonly at: number
  readonly usage: { readonly input: number; readonly cacheRead: number; readonly output: number }
  readonly delayMs: number
  readonly gzip: boolean
}

interface Planned {
  readonly pool: CallerPool
  readonly stream: boolean
  /** By channel and attempt; the last one is repeated. */
  readonly deeds: readonly (readonly Deed[])[]
}

interface Arrival {
  readonly channel: string
  readonly deed: Deed
  readonly call: SeenCall
}

/** What becomes of an attempt: only a `served` or `torn` one has put something out. */
type Fate =
  | { readonly kind: 'served' | 'torn' | 'lost' | 'late' | 'invalid' }
  | { readonly kind: 'refused'; readonly status: number }

/** How many events come before the first output, and how many a stream has at least before it tells its usage. */
const PREAMBLE: Readonly<Record<CallerPool, number>> = { messages: 3, chat: 1, responses: 2 }
const BODY: Readonly<Record<CallerPool, number>> = { messages: 6, chat: 3, responses: 6 }

const errorTypes: Readonly<Record<string, number>> = {
  authentication_error: 401,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 529,
  invalid_request_error: 400,
}
/** For these the default rules know another channel; whatever else is refused is the caller's fault. */
const passable = [401, 403, 429, 500, 502, 503, 504, 529]
const own = [400, 402, 404, 409, 413, 422]

// Nobody says here that an account has nothing left: it would close the channel to all the rounds that follow.
const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.oneof(
    { weight: 16, arbitrary: fc.constantFrom('serves', 'cuts') },
    { weight: 14, arbitrary: fc.constantFrom('refuses', 'tells an error', 'hangs up', 'shows a page') },
    { weight: 1, arbitrary: fc.constant('is silent' as const) },
  ),
  status: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...passable) },
    { weight: 1, arbitrary: fc.constantFrom(...own) },
  ),
  type: fc.constantFrom(...Object.keys(errorTypes)),
  at: fc.oneof(fc.nat(3), fc.nat(6)),
  usage: fc.record({
    input: fc.integer({ min: 1, max: 1000 }),
    cacheRead: fc.nat(1000),
    output: fc.integer({ min: 2, max: 1000 }),
  }),
  delayMs: fc.constantFrom(0, 0, 20),
  gzip: fc.boolean(),
})
const planned: fc.Arbitrary<Planned> = fc.record({
  pool: fc.constantFrom('messages', ...callerPools),
  stream: fc.constantFrom(true, true, false),
  deeds: fc.array(fc.array(deed, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 3 }),
})

/** Long enough for a busy machine to make a dozen attempts; so the calls that wait for it do that at the same time. */
const DEADLINE_MS = 6000
const CALLS = 20
const plans = new Map<string, Planned>()
const arrivals = new Map<string, Arrival[]>()

const pooled = callerPools.flatMap((pool) =>
  ['closed', 'forbidden', 'one', 'two', 'three'].map((place, index): [string, PooledChannel] => {
    const channel = `${place}-${pool}`
    const status = place === 'closed' ? 'suspended' : 'active'
    const plan = (call: SeenCall): Partial<Behaviour> => behave(channel, index - 2, call)
    return [channel, { pool, serviceType: callers[pool].serviceType, status, plan }]
  }),
)
const pools = await startPools(Object.fromEntries(pooled), { env: { FAILOVER_DEADLINE_MS: String(DEADLINE_MS) } })
after(() => pools.close())

/** A key that may use all channels but the forbidden ones, which would have the first turn. */
const allowed = Object.values(pools.channels).filter((channel) => !channel.name.startsWith('forbidden'))
const made = await pools.ask('/api/keys', { name: 'restricted', allowedChannels: allowed.map(({ id }) => id) })
const authorization = `Bearer ${String(json(made.text)['key'])}`

function behave(channel: string, place: number, call: SeenCall): Partial<Behaviour> {
  const id = String(call.headers['x-client-request-id'])
  const plan = plans.get(id)
  const seen = arrivals.get(id)
  const before = seen?.filter((arrival) => arrival.channel === channel).length ?? 0
  const done = plan?.deeds[place]?.[before] ?? plan?.deeds[place]?.at(-1)
  if (plan === undefined || seen === undefined || done === undefined) return { hangUp: true }
  seen.push({ channel, deed: done, call })
  return behaviourOf(done, plan, `said by ${channel} to ${id}`)
}

function behaviourOf(done: Deed, { pool, stream }: Planned, message: string): Partial<Behaviour> {
  const { status, type, usage, delayMs, gzip } = done
  const at = Math.min(done.at, BODY[pool])
  const plan: Partial<Behaviour> = { usage, delayMs, gzip, chunks: 2, error: { type, code: type, message } }
  switch (done.kind) {
    case 'serves':
      return plan
    case 'refuses':
      return { ...plan, status }
    case 'tells an error':
      return { ...plan, errorAfter: at }
    case 'cuts':
      return { ...plan, cutAfter: at }
    case 'hangs up':
      return { hangUp: true }
    case 'shows a page':
      return { html: true }
    case 'is silent': // who waits for a whole answer would wait for minutes
      return stream ? { ...plan, stallAfter: Math.min(at, PREAMBLE[pool]) } : { hangUp: true }
  }
}

function fateOf(done: Deed, { pool, stream }: Planned): Fate {
  const isBefore = Math.min(done.at, BODY[pool]) <= PREAMBLE[pool]
  switch (done.kind) {
    case 'serves':
      return { kind: 'served' }
    case 'refuses':
      return { kind: 'refused', status: done.status }
    case 'tells an error':
      if (!stream) return { kind: 'served' }
      return isBefore ? { kind: 'refused', status: errorTypes[done.type] ?? 502 } : { kind: 'torn' }
    case 'cuts': // a whole answer is the caller's from its head on
      return stream && isBefore ? { kind: 'lost' } : { kind: 'torn' }
    case 'hangs up':
      return { kind: 'lost' }
    case 'shows a page':
      return { kind: 'invalid' }
    case 'is silent':
      return { kind: stream ? 'late' : 'lost' }
  }
}

interface Result {
  /** 0 where the answer broke off, and with it its connection. */
  readonly status: number
  readonly text: string | undefined
}

async function perform(id: string, { pool, stream }: Planned): Promise<Result> {
  const { path, body } = callers[pool]
  const headers = { authorization, 'x-request-id': id, 'x-client-request-id': id }
  try {
    const { status, text } = await pools.ask(path, { ...body, stream }, { headers })
    return { status, text }
  } catch {
    return { status: 0, text: undefined }
  }
}

/** Whether another attempt may follow: nothing was put out, and it is not the caller's own fault. */
function isPassed(fate: Fate): boolean {
  if (fate.kind === 'refused') return passable.includes(fate.status)
  return fate.kind === 'lost' || fate.kind === 'invalid'
}

function statusOf(fate: Fate): number {
  if (fate.kind === 'refused') return fate.status
  return fate.kind === 'invalid' ? 502 : 0
}

/** What an attempt told that it had used before it broke off: of the three formats one does so at its beginning. */
function toldBy({ deed: { kind, at, usage }, call }: Arrival): Deed['usage'] {
  const hasTold = kind === 'cuts' && at > 0 && call.body['stream'] === true && call.path.endsWith('/messages')
  return hasTold ? { ...usage, output: 1 } : { input: 0, cacheRead: 0, output: 0 }
}

function expectAnswer({ status, text }: Result, { deed: done, call, channel }: Arrival, fate: Fate, id: string): void {
  const said = `said by ${channel} to ${id}`
  switch (fate.kind) {
    case 'served':
      assert.equal(status, 200)
      assert.ok(text?.includes(call.answerId))
      return
    case 'refused':
      assert.equal(status, done.kind === 'refuses' ? fate.status : 200)
      assert.ok(text?.includes(said), 'in its words')
      return
    case 'torn':
      assert.ok(text === undefined || text.includes(said) || text.includes('upstream_broken'))
      return
    case 'invalid':
      assert.equal(status, 502)
      assert.ok(text?.includes('upstream_invalid'))
      return
    case 'lost':
    case 'late':
      assert.ok(text?.includes(fate.kind === 'lost' ? 'upstream_broken' : 'upstream_timeout'))
  }
}

function expectEntry(entry: RoutedEntry, seen: readonly Arrival[], fates: readonly Fate[]): void {
  const [last, fate] = [seen.at(-1) ?? assert.fail(), fates.at(-1)]
  const attempts = JSON.parse(entry.attempts ?? '[]') as FailedAttempt[] // safe: written by the gateway
  const told = seen.slice(0, -1).map(toldBy)
  assert.deepEqual(
    attempts.map(({ channel, status, followedBy }) => [channel, status, followedBy]),
    told.map((_, place) => {
      const [channel, next] = [seen[place]?.channel, seen[place + 1]?.channel]
      return [channel, statusOf(fates[place] ?? assert.fail()), next === channel ? 'again' : 'next']
    }),
  )
  assert.deepEqual(
    attempts.map(({ usage }) => [usage.inputTokens, usage.cacheReadTokens, usage.outputTokens]),
    told.map(({ input, cacheRead, output }) => [input, cacheRead, output]),
  )
  assert.equal(entry.channel, last.channel)
  const isWhole = fate?.kind === 'served' || (fate?.kind === 'refused' && last.deed.kind === 'refuses')
  assert.equal(entry.status, isWhole ? 'completed' : 'failed')
  const isExact = isWhole || fate?.kind === 'refused' || fate?.kind === 'invalid'
  assert.equal(entry.metering, isExact ? 'exact' : 'estimated')

  const used = [...told, fate?.kind === 'served' ? last.deed.usage : toldBy(last)]
  const sum = (kind: keyof Deed['usage']): number => used.reduce((total, usage) => total + usage[kind], 0)
  const [input, cacheRead, output] = [sum('input'), sum('cacheRead'), sum('output')]
  assert.equal(entry.spend_tokens, entry.input_tokens + entry.output_tokens)
  const counted = [entry.input_tokens, entry.cache_read_tokens, entry.output_tokens]
  if (isExact) assert.deepEqual(counted, [input, cacheRead, output])
  else assert.ok(entry.input_tokens >= input && entry.output_tokens >= output, 'what was told is billed in any case')
}

let serial = 0

async function expectOne(plan: Planned): Promise<void> {
  const id = `random-${++serial}`
  const seen: Arrival[] = []
  plans.set(id, plan)
  arrivals.set(id, seen)
  const result = await perform(id, plan)
  const entry = await pools.entry(id)

  const story = seen.map(({ channel, deed: done, call }) => [channel, done, call.ended])
  try {
    expectOutcome(plan, seen, result, entry)
  } catch (cause) {
    throw new Error(JSON.stringify([id, plan.pool, plan.stream, story, result, entry.attempts], null, 1), { cause })
  }
}

function expectOutcome(plan: Planned, seen: readonly Arrival[], result: Result, entry: RoutedEntry): void {
  const fates = seen.map(({ deed: done }) => fateOf(done, plan))
  const [last, fate] = [seen.at(-1) ?? assert.fail('no channel was asked'), fates.at(-1) ?? assert.fail()]
  assert.deepEqual(
    fates.slice(0, -1).filter((each) => !isPassed(each)),
    [],
    'nothing follows what is an answer',
  )
  if (isPassed(fate)) assert.equal(new Set(seen.map(({ channel }) => channel)).size, 3, 'every channel was asked')
  const places = new Set(['one', 'two', 'three'].map((place) => `${place}-${plan.pool}`))
  assert.ok(seen.every(({ channel }) => places.has(channel)))
  expectAnswer(result, last, fate, entry.request_id)
  expectEntry(entry, seen, fates)
}

const { numRuns, seed } = rounds(3)
const name =
  'whatever the upstreams do, a call ends with an answer or the last error, and with one entry that says it all'

test(name, { timeout: numRuns * 10 * DEADLINE_MS }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(planned, { minLength: CALLS, maxLength: CALLS }), async (calls) => {
      await Promise.all(calls.map(expectOne))
    }),
    // A smaller example would meet another history of the channels.
    { numRuns, seed, endOnFailure: true },
  )
  const query = async (sql: string, ...bind: string[]) => pools.home.query(sql, ...bind)
  const ledger = { query } as unknown as TestDatabase // safe: it is only asked
  assert.deepEqual(await countersOf(ledger), await sumsOf(ledger), 'the counters are the sums of the entries')
})
