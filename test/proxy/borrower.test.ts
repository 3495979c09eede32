import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createBorrower } from '../../proxy/borrower.ts'
import type { Bank, LeaseAsk, LeaseGrants } from '../../proxy/domain/lease.ts'
import { StoreError } from '../../proxy/domain/store-error.ts'
import { LeasedPot } from '../../proxy/limit/leased-pot.ts'
import { TOKEN_WINDOW } from '../../proxy/limit/spans.ts'

const LIMIT = 100_000

/** A bank that grants everything, under simulated time. `answer` stands in for its answers. */
function scene(t: TestContext, answer?: (asks: readonly LeaseAsk[]) => Promise<LeaseGrants>) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2030, 0, 1) })
  t.mock.method(performance, 'now', () => Date.now())
  const statements: (readonly LeaseAsk[])[] = []
  const errors: unknown[] = []
  let answers = 0
  let hasLeft = false
  let answering = answer
  const grantAll = async (asks: readonly LeaseAsk[]): Promise<LeaseGrants> => ({
    grants: asks.map(({ subject, unit, base, wanted, spare }) => ({
      subject,
      unit,
      granted: base + wanted + spare,
      used: 0,
      others: 0,
      endsAt: null,
    })),
    now: Date.now(),
    replicas: 2,
  })
  const bank: Bank = {
    borrow(asks) {
      const asked = asks()
      statements.push(asked)
      return (answering ?? grantAll)(asked)
    },
    async leave() {
      hasLeft = true
    },
  }
  const borrower = createBorrower({
    bank,
    now: () => Date.now(),
    onClock: () => undefined,
    onAnswer: () => void (answers += 1),
    onError: (error) => void errors.push(error),
    offlineShare: undefined,
  })
  return {
    borrower,
    statements,
    errors,
    answers: () => answers,
    hasLeft: () => hasLeft,
    answerWith: (next: typeof answer) => void (answering = next),
    pass: async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 10) {
        t.mock.timers.tick(10)
        for (let turn = 0; turn < 10; turn++) await Promise.resolve()
      }
    },
    /** A key in use: it has a call that waits. */
    busyPot: (subject = 'key'): LeasedPot => {
      const pot = new LeasedPot({
        subject,
        unit: 'tokens',
        span: () => TOKEN_WINDOW,
        limit: () => LIMIT,
        countsAtOnce: false,
        isInLedger: true,
        before: { used: 0, replicas: 1 },
      })
      pot.verdict(10, Date.now())
      borrower.keep(pot)
      return pot
    },
  }
}

test('all keys in use are renewed in one statement, once a second', async (t) => {
  const { borrower, statements, busyPot, pass } = scene(t)
  const pots = ['a', 'b', 'c'].map(busyPot)
  borrower.hurry()
  await pass(10)
  assert.deepEqual(
    statements.map((asks) => asks.map(({ subject }) => subject)),
    [['a', 'b', 'c']],
  )
  for (const pot of pots) assert.equal(pot.verdict(10, Date.now()).kind, 'admit')
  await pass(5000)
  assert.equal(statements.length, 6)
  assert.ok(statements.every((asks) => asks.length === 3))
})

test('keys that nobody uses any more are asked for no longer', async (t) => {
  const { borrower, statements, busyPot, pass } = scene(t)
  busyPot()
  borrower.hurry()
  await pass(15_000)
  const asked = statements.length
  assert.deepEqual(statements.at(-2)?.[0]?.spare, 0) // it has given back what it held
  await pass(5000)
  assert.equal(statements.length, asked)
})

test('calls that wait get a few statements at once, and then four a second', async (t) => {
  const { borrower, statements, busyPot, pass } = scene(t)
  const pot = busyPot()
  const hurryFor = async (ms: number): Promise<number> => {
    const before = statements.length
    for (let passed = 0; passed < ms; passed += 10) {
      pot.verdict(LIMIT, Date.now())
      borrower.hurry()
      await pass(10)
    }
    return statements.length - before
  }
  assert.ok((await hurryFor(100)) >= 4)
  await hurryFor(1000)
  const [inTenSeconds, most] = [await hurryFor(10_000), 10 * 4 + 1]
  assert.ok(inTenSeconds >= 30 && inTenSeconds <= most, `${inTenSeconds} statements in ten seconds`)
})

test('more than a hundred keys are asked for in several statements', async (t) => {
  const { borrower, statements, busyPot, pass } = scene(t)
  for (let key = 0; key < 250; key++) busyPot(`key-${key}`)
  borrower.hurry()
  await pass(10)
  assert.deepEqual(
    statements.map(({ length }) => length),
    [100, 100, 50],
  )
})

test('a store that is slow is waited for a second; then a little is spent without it, until it answers', async (t) => {
  const slow = Promise.withResolvers<LeaseGrants>()
  const { borrower, statements, busyPot, pass, answers, answerWith } = scene(t)
  const pot = busyPot()
  borrower.hurry()
  await pass(10)
  answerWith(() => slow.promise)
  await pass(1000)
  assert.equal(statements.length, 2)
  const before = answers()
  assert.equal(pot.verdict(LIMIT, Date.now()).kind, 'wait')
  await pass(1000)
  assert.ok(answers() > before, 'whoever waits looks again')
  assert.equal(pot.verdict(LIMIT / 3, Date.now()).kind, 'wait', 'others may be borrowing the same')
  assert.equal(pot.verdict(1, Date.now()).kind, 'admit')
  slow.resolve({ grants: [], now: Date.now(), replicas: 2 })
  await pass(10)
  assert.equal(pot.verdict(LIMIT, Date.now()).kind, 'wait')
})

test('a store that is away is asked once a second, and a while after it is back all is as before', async (t) => {
  const { borrower, statements, errors, busyPot, pass, answerWith } = scene(t)
  const pot = busyPot()
  borrower.hurry()
  await pass(10)
  answerWith(() => Promise.reject(new StoreError('connection', 'away', { operation: 'borrow leases' })))
  await pass(3000)
  assert.equal(statements.length, 4)
  assert.equal(errors.length, 3)
  assert.equal(pot.verdict(LIMIT, Date.now()).kind, 'unknown')
  answerWith(undefined)
  await pass(1000)
  assert.equal(pot.verdict(LIMIT, Date.now()).kind, 'wait')
  assert.equal(statements.at(-1)?.[0]?.wanted, 0) // others may still have to tell what they have spent
  await pass(3000)
  pot.verdict(LIMIT / 2, Date.now())
  borrower.hurry()
  await pass(500)
  assert.equal(pot.verdict(LIMIT / 2, Date.now()).kind, 'admit')
})

test('an error that is no outage is told, and the next ask is as the one before', async (t) => {
  const { borrower, statements, errors, busyPot, pass, answerWith } = scene(t)
  const pot = busyPot()
  answerWith(() => Promise.reject(new Error('a mistake')))
  borrower.hurry()
  await pass(10)
  assert.equal(errors.length, 1)
  assert.equal(pot.verdict(10, Date.now()).kind, 'wait')
  answerWith(undefined)
  await pass(1000)
  assert.equal(statements.length, 2)
  assert.equal(pot.verdict(10, Date.now()).kind, 'admit')
})

test('who has no keys in use asks when told to, for the sake of the clock', async (t) => {
  const { borrower, statements, pass } = scene(t)
  await borrower.ask()
  assert.deepEqual(statements, [[]])
  await pass(5000)
  assert.equal(statements.length, 1)
})

test('who stops ends the ask that is under way, gives everything back, and asks no more', async (t) => {
  const slow = Promise.withResolvers<LeaseGrants>()
  const { borrower, statements, busyPot, pass, hasLeft } = scene(t, () => slow.promise)
  busyPot()
  borrower.hurry()
  await pass(10)
  const stopped = borrower.stop()
  await pass(100)
  assert.equal(hasLeft(), false)
  slow.resolve({ grants: [], now: Date.now(), replicas: 1 })
  await stopped
  assert.equal(hasLeft(), true)
  borrower.hurry()
  busyPot('another')
  await pass(5000)
  assert.equal(statements.length, 1)
})
