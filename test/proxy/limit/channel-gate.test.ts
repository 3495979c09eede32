import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Channel } from '../../../proxy/domain/channel.ts'
import { createChannelGate } from '../../../proxy/limit/channel-gate.ts'
import type { LeasedPot } from '../../../proxy/limit/leased-pot.ts'
import { aChannel } from '../../support/a-channel.ts'

const NOON = Date.UTC(2030, 0, 1, 12)
const SECOND = 1000
/** A request counts for a minute from the end of its second. */
const MINUTE = 61 * SECOND

/** A gate on a clock that stands until it is moved; its timers go by the same clock. */
function onClock(t: TestContext, isShared = false) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = NOON
  const pots = new Set<LeasedPot>()
  const leases = { keep: (pot: LeasedPot) => void pots.add(pot), hurry: () => undefined }
  const gate = createChannelGate({ now: () => now, leases: isShared ? leases : undefined })
  const log: string[] = []
  return {
    gate,
    /** In the order in which they were answered. */
    log,
    pots,
    enter: async (name: string, channel: Channel, deadlineAt = Infinity, gone?: AbortSignal): Promise<void> => {
      const isIn = await gate.enter(channel, deadlineAt, gone)
      log.push(`${name} ${isIn ? 'in' : 'out'}`)
    },
    pass: async (ms: number): Promise<void> => {
      now += ms
      t.mock.timers.tick(ms)
      await settled()
    },
    /** Before anybody in the queue has noticed. */
    passUnnoticed: (ms: number) => void (now += ms),
    now: () => now,
  }
}

/** Everything that waits for a promise that is settled has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const limited = (rpm: number, timeoutMs?: number): Channel =>
  aChannel('a', { rpm, queue: timeoutMs === undefined ? null : { timeoutMs } })

test('a channel without a limit lets everybody in', async (t) => {
  const { gate } = onClock(t)
  for (let call = 0; call < 100; call++) assert.equal(await gate.enter(aChannel('a'), 0), true)
})

test('a channel takes as many requests in a minute as it says, and each channel its own', async (t) => {
  const { gate, pass } = onClock(t)
  const turn = async (): Promise<readonly boolean[]> => [
    await gate.enter(limited(2), Infinity),
    await gate.enter(limited(2), Infinity),
    await gate.enter(limited(2), Infinity),
    await gate.enter(aChannel('b', { rpm: 1 }), Infinity),
  ]
  assert.deepEqual(await turn(), [true, true, false, true])
  await pass(MINUTE - 1)
  assert.equal(await gate.enter(limited(2), Infinity), false)
  assert.equal(await gate.enter(limited(3), Infinity), true, 'its limit was raised')
  await pass(1)
  assert.deepEqual(await turn(), [true, false, false, true])
})

test('who queues is let in in the order of coming, as the minute lets one after the other', async (t) => {
  const { enter, pass, log } = onClock(t)
  const channel = limited(3, 2 * MINUTE)
  await enter('a', channel)
  await pass(10 * SECOND)
  await enter('b', channel)
  await enter('c', channel)
  for (const name of ['d', 'e', 'f', 'one too many']) void enter(name, channel)
  await settled()
  assert.deepEqual(log, ['a in', 'b in', 'c in', 'one too many out'])
  await pass(MINUTE - 10 * SECOND)
  assert.deepEqual(log.slice(4), ['d in'])
  void enter('g', channel)
  await pass(10 * SECOND)
  assert.deepEqual(log.slice(4), ['d in', 'e in', 'f in'])
  await pass(MINUTE - 10 * SECOND)
  assert.deepEqual(log.slice(7), ['g in'])
})

test('who comes when there is room again does not overtake who waits', async (t) => {
  const { enter, pass, passUnnoticed, log } = onClock(t)
  const channel = limited(2, 2 * MINUTE)
  await enter('a', channel)
  await enter('b', channel)
  void enter('c', channel)
  await settled()
  passUnnoticed(MINUTE)
  void enter('d', channel)
  await pass(1)
  await pass(250)
  assert.deepEqual(log, ['a in', 'b in', 'c in', 'd in'])
})

test('who waits is sent away when the time of the queue is over, or that of the call', async (t) => {
  const { enter, pass, log, now } = onClock(t)
  const channel = limited(2, 20 * SECOND)
  await enter('a', channel)
  await enter('b', channel)
  void enter('patient', channel)
  void enter('hurried', channel, now() + 5 * SECOND)
  await pass(5 * SECOND - 1)
  assert.deepEqual(log, ['a in', 'b in'])
  await pass(15 * SECOND)
  assert.deepEqual(log, ['a in', 'b in'])
  await pass(1)
  assert.deepEqual(log.toSorted(), ['a in', 'b in', 'hurried out', 'patient out'])
  await enter('late', channel, now())
  assert.equal(log.at(-1), 'late out', 'whose time is over does not queue')
})

test('who hangs up in the queue makes room in it at once, and who is behind moves up', async (t) => {
  const { enter, pass, log } = onClock(t)
  const channel = limited(2, 2 * MINUTE)
  await enter('a', channel)
  await enter('b', channel)
  const caller = new AbortController()
  void enter('c', channel, Infinity, caller.signal)
  void enter('d', channel)
  await settled()
  caller.abort()
  await settled()
  assert.deepEqual(log, ['a in', 'b in', 'c out'])
  void enter('e', channel)
  await enter('one too many', channel)
  await enter('who has hung up before', channel, Infinity, caller.signal)
  await pass(MINUTE)
  assert.deepEqual(log.slice(3), ['one too many out', 'who has hung up before out', 'd in', 'e in'])
})

test('where replicas share the minute a first call waits for its lease', async (t) => {
  const { gate, enter, log, pots, now } = onClock(t, true)
  void enter('a', limited(10))
  await settled()
  assert.deepEqual(log, [])
  const [pot] = pots
  const ask = pot?.ask(now())
  assert.ok(pot && ask)
  assert.deepEqual([ask.subject, ask.unit, ask.limit, ask.wanted], ['channel:a', 'requests', 10, 1])
  pot.grant({ subject: ask.subject, unit: ask.unit, granted: 2, used: 0, others: 8, endsAt: null }, 2, now())
  gate.wake()
  await settled()
  assert.deepEqual(log, ['a in'])
})

test('a store that is away closes no channel', async (t) => {
  const { gate, enter, log, pots, now } = onClock(t, true)
  void enter('a', limited(1))
  for (const pot of pots) pot.goOffline(0, now(), true)
  gate.wake()
  await settled()
  assert.deepEqual(log, ['a in'])
})
