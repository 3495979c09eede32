import type { Channel, ChannelOauth } from './domain/channel.ts'
import { GatewayError } from './domain/errors.ts'
import { isAway } from './domain/store-error.ts'
import type { TokenStore } from './store/channel-tokens.ts'
import type { Log } from './telemetry/log.ts'
import { type TokenEndpoints, TokenRefused } from './upstream/oauth.ts'

/** The access tokens of channels with an OAuth account. */
export interface ChannelTokens {
  /**
   * A token for a call; undefined where the channel has no account. `refused` is one that the upstream does not take,
   * whatever was said of its time.
   */
  tokenFor(channel: Channel, refused: string | undefined): Promise<string | GatewayError | undefined>
}

interface ChannelTokensParts {
  /** Undefined where there is no database, and so no channel with an account. */
  readonly store: TokenStore | undefined
  readonly endpoints: TokenEndpoints
  /** Tells all replicas to leave a channel alone. */
  readonly suspend: (channelId: string, until: number, reason: string) => Promise<unknown>
  readonly now: () => number
  readonly log: Log
}

/** What came of the last renewal, for the account as the configuration had it then. */
interface Renewed {
  readonly of: string
  /** Undefined where it failed. */
  readonly oauth: ChannelOauth | undefined
  readonly at: number
}

/** A token is renewed so long before its end: a call takes a while, and clocks differ. */
const AHEAD_MS = 60_000
/** And not again within so long after that has failed, or its result was refused: an endpoint is not asked with every call. */
const REST_MS = 30_000
const SUSPENSION_MS = 5 * 60_000

export function createChannelTokens({ store, endpoints, suspend, now, log }: ChannelTokensParts): ChannelTokens {
  const renewals = new Map<string, Renewed>()
  const renewing = new Map<string, Promise<ChannelOauth | undefined>>()
  /** What an endpoint has given and the store has not taken: the refresh token before it may be worth nothing. */
  const unstored = new Map<string, { readonly replaces: string; readonly oauth: ChannelOauth }>()

  const renew = async ({ id, name }: Channel, isGood: (oauth: ChannelOauth) => boolean, isUrgent: boolean) => {
    try {
      const oauth = await store?.renew(id, async (stored) => {
        const pending = unstored.get(id)
        if (pending?.replaces === stored.refreshToken) return pending.oauth
        if (isGood(stored)) return stored // another replica was faster
        const next = await endpoints.refresh(stored, now())
        unstored.set(id, { replaces: stored.refreshToken, oauth: next })
        return next
      })
      unstored.delete(id)
      return oauth
    } catch (error) {
      if (!(error instanceof TokenRefused)) {
        if (!isAway(error)) log.error({ id, name, err: error }, 'an access token cannot be stored')
        return undefined
      }
      log.error({ id, name, reason: error.message }, 'a channel gets no access token')
      if (!isUrgent) return undefined
      await suspend(id, now() + SUSPENSION_MS, `oauth: ${error.message}`).catch((cause: unknown) => {
        if (!isAway(cause)) log.error({ err: cause }, 'the other replicas cannot be told of a suspension')
      })
      return undefined
    }
  }
  /** Once for all calls that need it. */
  const renewOnce = (channel: Channel, isGood: (oauth: ChannelOauth) => boolean, isUrgent: boolean) => {
    const { id } = channel
    let work = renewing.get(id)
    if (work === undefined) {
      work = renew(channel, isGood, isUrgent).then((oauth) => {
        renewing.delete(id)
        renewals.set(id, { of: JSON.stringify(channel.oauth), oauth, at: now() })
        return oauth
      })
      renewing.set(id, work)
    }
    return work
  }

  return {
    async tokenFor(channel, refused) {
      if (channel.oauth === null) return undefined
      const last = renewals.get(channel.id)
      // Until a renewal is read with the configuration it is newer; once somebody has changed the account it is not.
      const renewal = last?.of === JSON.stringify(channel.oauth) ? last : undefined
      const known = renewal?.oauth ?? channel.oauth
      const lasts = ({ accessToken, expiresAt }: ChannelOauth, ms: number): boolean => {
        return accessToken !== null && accessToken !== refused && (expiresAt === null || expiresAt - ms > now())
      }
      const isGood = (oauth: ChannelOauth): boolean => lasts(oauth, AHEAD_MS)
      if (isGood(known)) return known.accessToken ?? noToken()
      const isUrgent = !lasts(known, 0)
      const isOfLast = renewal !== undefined || (refused !== undefined && last?.oauth?.accessToken === refused)
      const isResting = isOfLast && now() - (last?.at ?? 0) < REST_MS
      const renewed = isResting ? renewing.get(channel.id) : renewOnce(channel, isGood, isUrgent)
      if (!isUrgent) return known.accessToken ?? noToken()
      const next = await renewed
      return next !== undefined && lasts(next, 0) ? (next.accessToken ?? noToken()) : noToken()
    },
  }
}

function noToken(): GatewayError {
  return new GatewayError('channels_unavailable', { retryAfterMs: REST_MS })
}
