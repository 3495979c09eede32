import type { Bank, LeaseAsk } from './domain/lease.ts'
import { isAway } from './domain/store-error.ts'
import type { LeasedPot } from './limit/leased-pot.ts'

interface BorrowerParts {
  readonly bank: Bank
  readonly now: () => number
  /** Tells of the store's clock, when it answers what was asked `elapsedMs` ago, and how many replicas there are. */
  readonly onClock: (storeNow: number, elapsedMs: number, replicas: number) => void
  /** Leases have come, or will not: whoever waits may look again. */
  readonly onAnswer: () => void
  readonly onError: (error: unknown) => void
  readonly offlineShare: number | undefined
}

export interface Borrower {
  /** Keeps the leases of this pot from now on. */
  keep(pot: LeasedPot): void
  /** Somebody waits for a lease. */
  hurry(): void
  /** Asks now, to learn of the store's clock and of other replicas. */
  ask(): Promise<void>
  stop(): Promise<void>
}

/** Renews the leases of all busy keys in one statement. */
const INTERVAL_MS = 1000
/** Those who wait get four statements a second, and may have them all at once. */
const HURRY_MS = 250
const BURST = 4
/** PostgreSQL's table of locks has room for some thousands. */
const MAX_ASKS = 100
const PATIENCE_MS = 1000

/** Paces the statements for those who wait: a few at once, and then one every so often. */
function createAllowance(everyMs: number, burst: number): { pauseMs(): number } {
  /** When it is full again. */
  let fullAt = 0
  return {
    pauseMs() {
      const at = performance.now()
      fullAt = Math.max(fullAt, at) + everyMs
      return Math.max(0, fullAt - at - burst * everyMs)
    },
  }
}

/** Asks for leases: once a second for all that are in use, and in between for those for which a call waits. */
export function createBorrower(parts: BorrowerParts): Borrower {
  const pots = new Set<LeasedPot>()
  const allowance = createAllowance(HURRY_MS, BURST)
  let timer: NodeJS.Timeout | undefined
  let dueAt = Infinity
  let asking: Promise<void> | undefined
  /** A statement for those who wait is due, or has to follow the one that is under way. */
  let isHurried = false
  let isBehind = false
  /** A pot has no lease yet: its first call is not to wait for its turn among those whose limit is near. */
  let hasNew = false
  let isStopped = false

  const ask = (): Promise<void> => {
    clearTimeout(timer)
    dueAt = Infinity
    isHurried = false
    hasNew = false
    asking ??= renewAll(parts, pots).finally(() => {
      asking = undefined
      if (isBehind) hurry()
      else if (pots.size > 0) schedule(INTERVAL_MS)
      isBehind = false
    })
    return asking
  }
  const schedule = (ms: number): void => {
    const at = performance.now() + ms
    if (isStopped || at >= dueAt) return
    clearTimeout(timer)
    dueAt = at
    timer = setTimeout(() => void ask(), ms).unref()
  }
  const hurry = (): void => {
    if (asking !== undefined) isBehind = true
    else if (hasNew) schedule(0)
    else if (!isHurried) {
      isHurried = true
      schedule(allowance.pauseMs())
    }
  }

  return {
    keep(pot) {
      hasNew ||= !pots.has(pot)
      pots.add(pot)
      if (asking === undefined) schedule(INTERVAL_MS)
    },
    hurry,
    ask,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await asking
      await parts.bank.leave()
    },
  }
}

/** Never throws: whoever waits is told to look again, whatever came of it. */
async function renewAll(parts: BorrowerParts, pots: Set<LeasedPot>): Promise<void> {
  const goOffline = (isStoreAway: boolean): void => {
    for (const pot of pots) pot.goOffline(parts.offlineShare, parts.now(), isStoreAway)
    parts.onAnswer()
  }
  try {
    const all = [...pots]
    // With none in use too: the answer tells the store's clock.
    do await renew(parts, pots, all.splice(0, MAX_ASKS), goOffline)
    while (all.length > 0)
  } catch (error) {
    parts.onError(error)
    if (isAway(error)) goOffline(true)
  }
  parts.onAnswer()
}

async function renew(
  { bank, now, onClock }: BorrowerParts,
  pots: Set<LeasedPot>,
  some: readonly LeasedPot[],
  goOffline: (isStoreAway: boolean) => void,
): Promise<void> {
  let asked: readonly (readonly [LeasedPot, LeaseAsk])[] = []
  let askedAt = performance.now()
  // Whoever waits for a slow store waits no longer than for one that is away.
  const late = setTimeout(() => goOffline(false), PATIENCE_MS)
  try {
    const answer = await bank.borrow(() => {
      askedAt = performance.now()
      const at = now()
      asked = some.flatMap((pot) => {
        const ask = pot.ask(at)
        if (ask === undefined) pots.delete(pot)
        return ask ? [[pot, ask] as const] : []
      })
      return asked.map(([, ask]) => ask)
    })
    const elapsedMs = performance.now() - askedAt
    onClock(answer.now, elapsedMs, answer.replicas)
    const at = now() - elapsedMs // by the corrected clock
    const grants = new Map(answer.grants.map((grant) => [`${grant.unit} ${grant.subject}`, grant]))
    for (const [pot] of asked) {
      const grant = grants.get(`${pot.unit} ${pot.subject}`)
      if (grant) pot.grant(grant, answer.replicas, at)
    }
    for (const pot of some) pot.goOnline(now())
  } catch (error) {
    for (const [pot] of asked) pot.lost()
    throw error
  } finally {
    clearTimeout(late)
  }
}
