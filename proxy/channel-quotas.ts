import type { Asking, Send } from './attempts.ts'
import type { Channel, ChannelQuota, QuotaUsage } from './domain/channel.ts'
import { GatewayError } from './domain/errors.ts'
import type { Price } from './domain/price.ts'
import { multipliersFor } from './domain/price-multipliers.ts'
import {
  type QuotaDraw,
  type QuotaPeriod,
  type QuotaPots,
  type QuotaRefusal,
  quotaSubject,
} from './limit/channel-quota.ts'
import { upperCost } from './limit/limits.ts'
import { mapModel } from './route/model-mapping.ts'
import { createQuotaPeriods, type Period, periodAt } from './quota-periods.ts'
import type { QuotaPeriodRow, QuotaStore } from './store/channel-quota.ts'
import type { Log } from './telemetry/log.ts'

/** What channels may be used for until their quotas are reset. */
export interface ChannelQuotas {
  /**
   * What is to be read before these channels and the periods that were begun of their quotas can be loaded: what was
   * used of quotas that this process does not know yet. Throws `StoreError`.
   */
  unknown(channels: readonly Channel[], begun: readonly QuotaPeriodRow[]): Promise<QuotaUse>
  load(channels: readonly Channel[], begun: readonly QuotaPeriodRow[], use: QuotaUse): void
  /** How the quotas of these channels stand in the store. Throws `StoreError`. */
  standing(channels: readonly Channel[]): Promise<{ readonly begun: readonly QuotaPeriodRow[]; readonly use: QuotaUse }>
  /** Why a call for this model is not sent to the channel: its quota is known to be spent. */
  refusal(channel: Channel, model: string | undefined): GatewayError | undefined
  /** When the quota is reset next, as far as that is known. */
  readonly resetOf: (channel: Channel, now: number) => number | undefined
  /** Takes what a call can use of the channel's quota at most; undefined where it has none for the call. */
  draw(sent: Send, asking: Asking): Promise<QuotaDraw | GatewayError | undefined>
  /** As the store knows it, whichever replica it was used by; undefined where the channel has no quota. Throws `StoreError`. */
  usage(channel: Channel): Promise<QuotaUsage | undefined>
  /** Begins a new period on all replicas, and lifts a suspension of the channel. Throws `StoreError`. */
  reset(channel: Channel, now: number): Promise<void>
}

/** What was used of periods of quotas, by subject and unit, and by how many replicas. */
export interface QuotaUse {
  readonly used: ReadonlyMap<string, number>
  readonly replicas: number
}

interface ChannelQuotasParts {
  /** Undefined where there is no database, and so no channel with a quota. */
  readonly store: QuotaStore | undefined
  readonly pots: QuotaPots
  /** How many processes share them, this one among them. */
  readonly replicas: () => number
  readonly priceOf: (model: string | undefined) => Price | undefined
  readonly now: () => number
  readonly log: Log
}

export function createChannelQuotas({ store, pots, replicas, priceOf, now, log }: ChannelQuotasParts): ChannelQuotas {
  const periods = createQuotaPeriods({ store, now, log })
  const drawnOn = ({ id }: Channel, { unit, limit }: ChannelQuota, { since }: Period): QuotaPeriod => {
    return { channelId: id, since, unit, limit }
  }
  const drawnOnAt = (channels: readonly Channel[], begun: readonly QuotaPeriodRow[]): readonly QuotaPeriod[] => {
    const rows = new Map(begun.map((row) => [row.channelId, row]))
    return channels.flatMap((channel) => {
      const { id, quota } = channel
      return quota === null ? [] : [drawnOn(channel, quota, periods.of(channel, now(), rows.get(id)))]
    })
  }
  const read = async (some: readonly QuotaPeriod[]): Promise<QuotaUse> => {
    const found = await store?.used(some.map(quotaSubject))
    const used = new Map(some.map((period) => [usedName(period), found?.get(usedName(period)) ?? 0]))
    return { used, replicas: replicas() }
  }
  const refusalOf = (channel: Channel): GatewayError => {
    const { resetsAt } = periods.of(channel, now())
    return new GatewayError('channel_quota_exhausted', resetsAt === null ? {} : { retryAfterMs: resetsAt - now() })
  }
  const errorOf = (refusal: QuotaRefusal, channel: Channel): GatewayError => {
    if (refusal === 'spent') return refusalOf(channel)
    return new GatewayError(refusal === 'away' ? 'storage_unavailable' : 'channel_busy', { retryAfterMs: 1000 })
  }

  return {
    unknown: (channels, begun) => read(pots.unknown(drawnOnAt(channels, begun))),
    load(channels, begun, { used, replicas: sharing }) {
      periods.hear(begun)
      for (const period of drawnOnAt(channels, begun)) {
        const amount = used.get(usedName(period))
        if (amount !== undefined) pots.open(period, { used: amount, replicas: sharing })
      }
    },
    async standing(channels) {
      const isAny = channels.some(({ quota }) => quota !== null)
      const begun = isAny ? ((await store?.list()) ?? []) : []
      return { begun, use: await read(drawnOnAt(channels, begun)) }
    },
    refusal(channel, asked) {
      const { quota } = channel
      if (quota === null) return undefined
      const model = asked === undefined ? undefined : mapModel(asked, channel.modelMapping).model
      const isSpent = counts(quota, model) && pots.isSpent(drawnOn(channel, quota, periods.of(channel, now())))
      return isSpent ? refusalOf(channel) : undefined
    },
    resetOf: (channel, at) => periods.of(channel, at).resetsAt ?? undefined,
    async draw({ channel, model }, { call, upper, deadlineAt, gone }) {
      const { quota } = channel
      if (quota === null || !counts(quota, model)) return undefined
      const price = multiplied(priceOf(model), channel, model)
      const most = quota.unit === 'requests' ? 1 : upperCost(upper, price, call.serviceTier)
      if (most === undefined) return unpriced(model)
      const period = drawnOn(channel, quota, await periods.current(channel))
      const drawn = await pots.draw(period, most, deadlineAt, gone)
      return typeof drawn === 'string' ? errorOf(drawn, channel) : drawn
    },
    async usage({ id, quota }) {
      if (quota === null || store === undefined) return undefined
      const row = (await store.list()).find(({ channelId }) => channelId === id)
      const at = periodAt(quota.reset, row, now())
      const period = { channelId: id, since: at.since, unit: quota.unit, limit: quota.limit }
      const used = (await store.used([quotaSubject(period)])).get(usedName(period)) ?? 0
      return usageOf(quota, at, used)
    },
    async reset({ id, quota }, at) {
      if (quota === null) return
      // What a period has used that began in this very millisecond is that one's.
      const since = at + 1
      const endsAt = quota.reset?.mode === 'rolling' ? since : periodAt(quota.reset, undefined, at).resetsAt
      await store?.reset({ channelId: id, since, endsAt })
    },
  }
}

function usageOf({ unit, limit }: ChannelQuota, { since, resetsAt }: Period, used: number): QuotaUsage {
  const remaining = Math.max(0, limit - used)
  return {
    quotaType: unit,
    limit,
    used,
    remaining,
    remainingPercent: limit === 0 ? 0 : (100 * remaining) / limit,
    ...(since > 0 && { lastResetAt: since }),
    ...(resetsAt !== null && { nextResetAt: resetsAt }),
  }
}

function usedName(period: QuotaPeriod): string {
  return `${quotaSubject(period)} quota_${period.unit}`
}

/** Whether a call for a model, by the name that the upstream knows it by, counts to a quota. */
function counts({ models }: ChannelQuota, model: string | undefined): boolean {
  return models.length === 0 || (model !== undefined && models.some((part) => model.includes(part)))
}

function multiplied(price: Price | undefined, { priceMultipliers }: Channel, model = ''): Price | undefined {
  if (price === undefined) return undefined
  const { input, output, cacheRead, cacheWrite } = multipliersFor(model, priceMultipliers)
  return {
    input: price.input * input,
    output: price.output * output,
    cacheRead: price.cacheRead * cacheRead,
    cacheWrite: price.cacheWrite * cacheWrite,
    ...(price.cacheWrite1h !== undefined && { cacheWrite1h: price.cacheWrite1h * cacheWrite }),
  }
}

function unpriced(model: string | undefined): GatewayError {
  const message = `The channel has a quota in money, and ${model ?? 'the call'} has no price; an administrator can set one.`
  return new GatewayError('model_unpriced', { message })
}
