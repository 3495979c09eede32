import type { ModelPrice } from '../domain/price.ts'
import type { QuotaPeriodRow, QuotaStore } from './channel-quota.ts'
import { readChannels, type SealedChannels } from './channel-reader.ts'
import { told } from './config-change.ts'
import type { Database } from './database.ts'
import { readPrices } from './price-rows.ts'
import { readRevision } from './revision.ts'
import type { SettingStore } from './settings.ts'
import type { Suspension, SuspensionStore } from './suspensions.ts'

/** Names of settings. */
export const FAILOVER = 'failover'
export const STRATEGIES = 'strategies'
export const OUTBOUND_HEADERS = 'outbound-headers'
export const RATE_LIMITS = 'ratelimit'

/** What the path of a call needs of the configuration, as it is stored: secrets are encrypted. JSON can say all of it. */
export interface CallConfiguration extends SealedChannels {
  readonly suspensions: readonly Suspension[]
  readonly quotaPeriods: readonly QuotaPeriodRow[]
  /** What administrators have set of these, by name. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly prices: readonly (readonly [model: string, price: ModelPrice])[]
}

/** What a process without its database goes on with. */
export interface KeptConfiguration extends CallConfiguration {
  /** What was used of quotas, by subject and unit, and by how many replicas. */
  readonly quotaUse: readonly (readonly [name: string, amount: number])[]
  readonly replicas: number
}

interface Parts {
  readonly database: Database
  readonly suspensions: SuspensionStore
  readonly quotas: QuotaStore
  readonly settings: SettingStore
}

/** While somebody changes it all the time the last look has to do: the next revision is looked for anyway. */
const MAX_LOOKS = 3

/** Reads all parts as they were at one revision. Throws `StoreError`. */
export async function readCallConfiguration(parts: Parts, now: number): Promise<CallConfiguration> {
  const revision = (): Promise<string> => told('read the revision', readRevision(parts.database))
  let before = await revision()
  for (let look = 1; ; look++) {
    const read = await readParts(parts, now)
    const after = await revision()
    if (after === before || look === MAX_LOOKS) return read
    before = after
  }
}

async function readParts({ database, suspensions, quotas, settings }: Parts, now: number): Promise<CallConfiguration> {
  const [sealed, suspended, quotaPeriods, set, prices] = await Promise.all([
    told('read the channels', readChannels(database)),
    suspensions.list(now),
    quotas.list(),
    settings.all(''),
    told('read the prices', readPrices(database)),
  ])
  const named = [FAILOVER, STRATEGIES, OUTBOUND_HEADERS, RATE_LIMITS].map((name) => [name, set.get(name)] as const)
  return { ...sealed, suspensions: suspended, quotaPeriods, settings: Object.fromEntries(named), prices: [...prices] }
}
