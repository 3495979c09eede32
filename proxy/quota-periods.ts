import type { Channel, QuotaReset } from './domain/channel.ts'
import { isAway } from './domain/store-error.ts'
import { quotaPeriod } from './route/quota-reset.ts'
import type { QuotaPeriodRow, QuotaStore } from './store/channel-quota.ts'
import type { Log } from './telemetry/log.ts'

export interface Period {
  readonly since: number
  readonly resetsAt: number | null
  /** Nobody has called since the last reset: the next call begins a period. */
  readonly isAwaited: boolean
}

/** The period of a quota at `now`; `begun` is the last one that a call or an administrator has begun. */
export function periodAt(
  reset: QuotaReset | null,
  begun: Pick<QuotaPeriodRow, 'since' | 'endsAt'> | undefined,
  now: number,
): Period {
  const since = begun?.since ?? 0
  if (reset === null) return { since, resetsAt: null, isAwaited: false }
  const isEmpty = begun === undefined || (begun.endsAt !== null && begun.endsAt <= begun.since)
  const { startsAt, resetsAt } = quotaPeriod(reset, isEmpty ? null : since, now)
  return { since: Math.max(since, startsAt ?? 0), resetsAt, isAwaited: resetsAt === null }
}

/** A period that this process has begun and the store has not yet heard of. */
interface Beginning {
  readonly row: QuotaPeriodRow
  readonly replaces: number | null
  telling: Promise<void> | undefined
  toldAt: number
}

/** The periods of the quotas of channels, the same on all replicas. */
interface QuotaPeriods {
  /** Takes over what was read of the store. */
  hear(rows: readonly QuotaPeriodRow[]): void
  /** The period at `now`, as far as is known, also from a row that was read and not yet heard; nobody begins one. */
  of(channel: Channel, now: number, read?: QuotaPeriodRow): Period
  /** The period that a call counts to, which may begin with it. While the store is away it is one of our own. */
  current(channel: Channel): Promise<Period>
}

interface QuotaPeriodsParts {
  readonly store: QuotaStore | undefined
  readonly now: () => number
  readonly log: Log
}

/** How long a call waits for the store to hear of a period, and how often it is told again. */
const PATIENCE_MS = 1000

export function createQuotaPeriods({ store, now, log }: QuotaPeriodsParts): QuotaPeriods {
  const begun = new Map<string, QuotaPeriodRow>()
  const unheard = new Map<string, Beginning>()

  /** Of what was read and what is known the later: a read may have begun before a period did. */
  const isLate = ({ channelId, since }: QuotaPeriodRow): boolean => (begun.get(channelId)?.since ?? -Infinity) > since
  const of = ({ id, quota }: Channel, at: number, read?: QuotaPeriodRow): Period => {
    return periodAt(quota?.reset ?? null, read === undefined || isLate(read) ? begun.get(id) : read, at)
  }
  const begin = (channelId: string, reset: QuotaReset): void => {
    const replaces = begun.get(channelId)?.since ?? null
    const since = Math.max(now(), replaces ?? 0) // a reset by hand begins a moment later than it is asked for
    const row = { channelId, since, endsAt: quotaPeriod(reset, since, since).resetsAt }
    begun.set(channelId, row)
    unheard.set(channelId, { row, replaces, telling: undefined, toldAt: -Infinity })
  }
  const tell = (beginning: Beginning): Promise<void> | undefined => {
    const { row, replaces } = beginning
    if (beginning.telling !== undefined || now() - beginning.toldAt < PATIENCE_MS) return beginning.telling
    beginning.toldAt = now()
    beginning.telling = store
      ?.begin(row, replaces)
      .then((known) => {
        // Of replicas that begin a period at the same time one wins, and the others count to its period.
        unheard.delete(row.channelId)
        begun.set(row.channelId, known)
      })
      .catch((error: unknown) => {
        beginning.telling = undefined
        if (!isAway(error)) log.error({ err: error }, 'the period of a quota cannot be begun')
      })
    return beginning.telling
  }

  return {
    of,
    hear(rows) {
      for (const row of rows) {
        if (isLate(row)) continue
        begun.set(row.channelId, row)
        unheard.delete(row.channelId)
      }
    },
    async current(channel) {
      const reset = channel.quota?.reset ?? null
      if (reset !== null && of(channel, now()).isAwaited) begin(channel.id, reset)
      const beginning = unheard.get(channel.id)
      const telling = beginning && tell(beginning)
      if (beginning && now() - beginning.row.since < PATIENCE_MS) await atMost(PATIENCE_MS, telling)
      return of(channel, now())
    },
  }
}

async function atMost(ms: number, work: Promise<void> | undefined): Promise<void> {
  const patience = Promise.withResolvers<void>()
  const timer = setTimeout(patience.resolve, ms)
  await Promise.race([work, patience.promise])
  clearTimeout(timer)
}
