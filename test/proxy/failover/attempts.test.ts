import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import { Attempts } from '../../../proxy/attempts.ts'
import { readCall } from '../../../proxy/domain/call.ts'
import { endpointOf } from '../../../proxy/domain/endpoint.ts'
import type { FailedAttempt, Outcome } from '../../../proxy/domain/entry.ts'
import { GatewayError } from '../../../proxy/domain/errors.ts'
import { ClientAnswer } from '../../../proxy/http/client-answer.ts'
import { prepare } from '../../../proxy/prepare.ts'
import { createUpstream } from '../../../proxy/upstream/send.ts'
import { aChannel, inList } from '../../support/a-channel.ts'
import { connectRaw, type RawConnection } from '../../support/ask.ts'
import { message } from '../../support/dialogs.ts'
import { openedCall } from '../../support/entries.ts'
import { type Behaviour, type FakeUpstream, startFakeUpstream } from '../../support/fake-upstream.ts'
import { until } from '../../support/gateway.ts'
import { aRouter } from '../../support/journeys.ts'

/** Long enough for a busy machine to get as far as the test wants before it. */
const DEADLINE_MS = 2000
const LONG_MS = 60_000

interface Road {
  readonly first: FakeUpstream
  readonly client: ClientAnswer
  readonly caller: RawConnection
  readonly deadlineAt: number
}

interface Journeyed {
  readonly outcome: Outcome
  readonly failed: readonly FailedAttempt[]
  /** How often each channel was asked. */
  readonly asked: readonly number[]
}

interface Moments {
  /** Without it there is none in sight. */
  readonly deadlineMs?: number
  readonly plan: Partial<Behaviour>
  /** Before each attempt. */
  readonly onEnter?: (road: Road) => void
  /** While it is written down that there is a second attempt. */
  readonly onReopen?: (road: Road) => Promise<unknown>
  /** How far the clock is behind by now. */
  readonly lateMs?: (road: Road) => number
}

/** A stream on its way through two channels, of which the second one says nothing at all. */
async function travel(
  t: TestContext,
  { deadlineMs = LONG_MS, plan, onEnter, onReopen, lateMs }: Moments,
): Promise<Journeyed> {
  const first = await startFakeUpstream({ plan })
  const second = await startFakeUpstream({ plan: { neverAnswer: true } })
  const upstream = createUpstream({ connectTimeoutMs: LONG_MS, firstByteTimeoutMs: LONG_MS, idleTimeoutMs: LONG_MS })
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    await upstream.destroy(new GatewayError('shutting_down'))
    server.close().closeAllConnections()
    await Promise.all([first.close(), second.close()])
  })

  const address = server.address()
  const asking = once(server, 'request')
  const caller = await connectRaw(
    typeof address === 'object' ? (address?.port ?? 0) : 0,
    'POST /v1/messages HTTP/1.1\r\nhost: gateway\r\ncontent-length: 0\r\n\r\n',
  )
  const [, res] = await asking
  const endpoint = endpointOf('/v1/messages', [], true)
  const client = new ClientAnswer(res, {
    endpoint,
    requestId: 'call',
    headers: {},
    stallTimeoutMs: LONG_MS,
    reportError: () => undefined,
    isDraining: () => false,
  })
  const admittedAt = Date.now()
  const deadlineAt = admittedAt + deadlineMs
  const road: Road = { first, client, caller, deadlineAt }
  const now = (): number => Date.now() - (lateMs?.(road) ?? 0)
  const channels = inList(aChannel('first', { baseUrl: first.url }), aChannel('second', { baseUrl: second.url }))
  const journey = aRouter(channels).call({ deadlineAt })
  const step = journey.next(now())
  assert.ok(step.kind === 'send')

  const closed = Promise.withResolvers<Omit<Journeyed, 'asked'>>()
  const body = Buffer.from(JSON.stringify({ ...message, stream: true }))
  const parts = {
    upstream,
    now,
    prepare,
    enter: async () => {
      onEnter?.(road)
      return { draw: undefined, token: undefined }
    },
    reopen: async () => void (await onReopen?.(road)),
    costsOf: () => null,
    drainMs: LONG_MS,
  }
  await new Attempts(parts, {
    call: readCall({ endpoint, method: 'POST', search: '', headers: {}, body }, null, undefined),
    client,
    journey,
    opened: openedCall({ admittedAt, channel: 'first' }),
    upper: { inputTokens: 1, outputTokens: 1, inputUpper: 1, outputUpper: 1 },
    deadlineAt,
    close: async (outcome, _, failed) => closed.resolve({ outcome, failed }),
  }).run(step)
  return { ...(await closed.promise), asked: [first.calls.length, second.calls.length] }
}

const bounded = { timeout: LONG_MS / 2 }

test('a deadline that passes while another attempt is written down is kept: it is not begun', bounded, async (t) => {
  const { outcome, failed, asked } = await travel(t, {
    deadlineMs: DEADLINE_MS,
    plan: { hangUp: true },
    onReopen: ({ deadlineAt }) => until('the deadline', () => Date.now() > deadlineAt + 100),
  })
  assert.deepEqual([outcome.status, outcome.error, failed, asked], ['failed', 'upstream_broken', [], [1, 0]])
})

test('and so is one that passes while the process is too busy for its timers', bounded, async (t) => {
  const { outcome, failed, asked } = await travel(t, {
    deadlineMs: DEADLINE_MS,
    plan: { hangUp: true },
    async onReopen({ deadlineAt }) {
      while (Date.now() < deadlineAt);
    },
  })
  assert.deepEqual([outcome.status, outcome.error, failed, asked], ['failed', 'upstream_broken', [], [1, 0]])
})

test('nothing begins behind the deadline, though the clock was set back meanwhile', bounded, async (t) => {
  const { outcome, failed, asked } = await travel(t, {
    deadlineMs: DEADLINE_MS,
    plan: { neverAnswer: true },
    lateMs: ({ first }) => (first.calls.length > 0 ? LONG_MS : 0),
  })
  assert.deepEqual([outcome.status, outcome.error, failed, asked], ['failed', 'upstream_timeout', [], [1, 0]])
})

test('who hangs up while another attempt is written down is not served by it', bounded, async (t) => {
  const { outcome, failed, asked } = await travel(t, {
    plan: { hangUp: true },
    async onReopen({ caller, client }) {
      caller.socket.destroy()
      await until('it is known', () => client.isClosed)
    },
  })
  assert.deepEqual([outcome.status, outcome.httpStatus, failed, asked], ['client_gone', 499, [], [1, 0]])
})

test('a call that something unforeseen befalls is closed all the same, once', bounded, async (t) => {
  const onEnter = (): never => {
    throw new TypeError('a bug')
  }
  const { outcome, asked } = await travel(t, { plan: {}, onEnter })
  assert.deepEqual([outcome.status, outcome.error, outcome.httpStatus, asked], ['failed', 'internal', 500, [0, 0]])
})

test('and so is one that it befalls behind a failed attempt', bounded, async (t) => {
  let attempts = 0
  const onEnter = (): void => {
    attempts += 1
    if (attempts > 1) throw new TypeError('a bug')
  }
  const { outcome, asked } = await travel(t, { plan: { hangUp: true }, onEnter })
  assert.deepEqual([outcome.status, outcome.error, asked], ['failed', 'internal', [1, 0]])
})
