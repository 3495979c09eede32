import type { LeaseAsk } from '../../proxy/domain/lease.ts'
import { grantOf } from '../../proxy/limit/grant.ts'
import { LeasedPot } from '../../proxy/limit/leased-pot.ts'
import { type Bucket, countedAmount, msUntilBelow, withSpend } from '../../proxy/limit/rolling-window.ts'
import { TOKEN_WINDOW } from '../../proxy/limit/spans.ts'

const COMMIT_MS = 150
const RENEW_MS = 1000
const HURRY_MS = 20
const RETRY_MS = 250
const LEASE_MS = 5000

/** What a call asks for, and what it turns out to be. */
export interface SimulatedCall {
  readonly at: number
  readonly replica: number
  readonly upper: number
  readonly actual: number
  readonly lastsMs: number
}

interface Granted {
  readonly admittedAt: number
  readonly amount: number
}

export interface Outcome {
  readonly granted: readonly Granted[]
  /** Calls that were refused since the limit was spent, or that waited in vain. */
  readonly refused: number
}

interface Happening {
  readonly at: number
  readonly run: () => void
}

/** Happenings in the order of their time; those of one time in the order in which they were planned. */
function createAgenda() {
  const heap: (Happening & { readonly serial: number })[] = []
  let serial = 0
  const isBefore = (a: number, b: number): boolean => {
    const [one, other] = [heap[a], heap[b]]
    return !!one && !!other && (one.at < other.at || (one.at === other.at && one.serial < other.serial))
  }
  const swap = (a: number, b: number): void => {
    const [one, other] = [heap[a], heap[b]]
    if (one && other) [heap[a], heap[b]] = [other, one]
  }
  return {
    plan(at: number, run: () => void): void {
      heap.push({ at, run, serial: serial++ })
      for (let child = heap.length - 1; child > 0 && isBefore(child, (child - 1) >> 1); child = (child - 1) >> 1) {
        swap(child, (child - 1) >> 1)
      }
    },
    next(): Happening | undefined {
      const first = heap[0]
      const last = heap.pop()
      if (heap.length > 0 && last) {
        heap[0] = last
        for (let parent = 0; ;) {
          const [left, right] = [2 * parent + 1, 2 * parent + 2]
          const smaller = isBefore(right, left) ? right : left
          if (!isBefore(smaller, parent)) break
          swap(smaller, parent)
          parent = smaller
        }
      }
      return first
    },
  }
}

interface Lease {
  amount: number
  expiresAt: number
}

/**
 * Replicas with the real decisions about a limit of tokens, over simulated time: calls come, last and end, what they
 * spent is committed, and leases are asked for as the gateway does. `waitMs` is how long a call waits.
 */
export function simulate(limit: number, replicas: number, calls: readonly SimulatedCall[], waitMs = 10_000): Outcome {
  const agenda = createAgenda()
  const granted: Granted[] = []
  let refused = 0
  let now = 0
  let buckets: readonly Bucket[] = []
  const leases = new Map<number, Lease>()

  const borrow = (replica: number, ask: LeaseAsk): { granted: number; used: number; others: number } => {
    const used = countedAmount(buckets, TOKEN_WINDOW, now)
    let others = 0
    for (const [holder, lease] of leases) if (holder !== replica && lease.expiresAt > now) others += lease.amount
    const amount = grantOf(ask, { used, others })
    leases.set(replica, { amount, expiresAt: now + LEASE_MS })
    return { granted: amount, used, others }
  }

  const members = Array.from({ length: replicas }, (_, replica) => {
    const pot = new LeasedPot({
      subject: 'key',
      unit: 'tokens',
      span: () => TOKEN_WINDOW,
      limit: () => limit,
      countsAtOnce: false,
      isInLedger: true,
      before: { used: 0, replicas: 1 },
    })
    let uncommitted: Granted[] = []
    let waiting: (() => void)[] = []
    let askDueAt = Infinity
    let isCommitDue = false

    const wake = (): void => {
      const woken = waiting
      waiting = []
      for (const retry of woken) retry()
    }
    const renew = (): void => {
      if (askDueAt > now) return
      askDueAt = Infinity
      const ask = pot.ask(now)
      if (!ask) return
      pot.grant({ subject: 'key', unit: 'tokens', endsAt: endsAt(), ...borrow(replica, ask) }, replicas, now)
      planAsk(RENEW_MS)
      wake()
    }
    const planAsk = (ms: number): void => {
      if (now + ms >= askDueAt) return
      askDueAt = now + ms
      agenda.plan(askDueAt, renew)
    }
    const endsAt = (): number | null =>
      countedAmount(buckets, TOKEN_WINDOW, now) < limit ? null : now + msUntilBelow(buckets, TOKEN_WINDOW, limit, now)
    const commit = (): void => {
      isCommitDue = false
      const total = uncommitted.reduce((sum, { amount }) => sum + amount, 0)
      for (const { admittedAt, amount } of uncommitted) {
        buckets = withSpend(buckets, TOKEN_WINDOW, admittedAt, amount, now)
      }
      uncommitted = []
      const lease = leases.get(replica)
      if (lease) lease.amount = Math.max(0, lease.amount - total)
      pot.committed(total)
    }
    const attempt = ({ upper, actual, lastsMs }: SimulatedCall, deadline: number): void => {
      const verdict = pot.verdict(upper, now)
      if (verdict.kind === 'admit') {
        const admittedAt = now
        pot.reserve(upper, admittedAt)
        granted.push({ admittedAt, amount: actual })
        if (askDueAt === Infinity) planAsk(RENEW_MS)
        agenda.plan(now + lastsMs, () => {
          pot.settle(upper, actual, admittedAt)
          uncommitted.push({ admittedAt, amount: actual })
          if (!isCommitDue) agenda.plan(now + COMMIT_MS, commit)
          isCommitDue = true
          wake()
        })
      } else if (verdict.kind !== 'wait' || now >= deadline) refused += 1
      else {
        planAsk(HURRY_MS)
        let isDone = false
        const retry = (): void => {
          if (!isDone) attempt({ at: 0, replica, upper, actual, lastsMs }, deadline)
          isDone = true
        }
        waiting.push(retry)
        agenda.plan(now + RETRY_MS, () => {
          waiting = waiting.filter((other) => other !== retry)
          retry()
        })
      }
    }
    return { attempt }
  })

  for (const call of calls) {
    agenda.plan(call.at, () => members[call.replica % replicas]?.attempt(call, call.at + waitMs))
  }
  for (let happening = agenda.next(); happening; happening = agenda.next()) {
    now = happening.at
    happening.run()
  }
  return { granted, refused }
}

/** The largest sum over any interval of so many milliseconds. */
export function largestSum(granted: readonly Granted[], lengthMs: number): number {
  const sorted = granted.toSorted((a, b) => a.admittedAt - b.admittedAt)
  let [from, sum, largest] = [0, 0, 0]
  for (const { admittedAt, amount } of sorted) {
    sum += amount
    for (let first = sorted[from]; first && first.admittedAt <= admittedAt - lengthMs; first = sorted[from]) {
      sum -= first.amount
      from += 1
    }
    largest = Math.max(largest, sum)
  }
  return largest
}
