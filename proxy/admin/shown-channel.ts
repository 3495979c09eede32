import type { Channel } from '../domain/channel.ts'
import { maskSecret } from '../domain/mask-secret.ts'
import type { Suspension } from './channel-parts.ts'
import type { ShownChannel } from './channel-schema.ts'
import { viewOf } from './channel-view.ts'
import { iso } from './schemas.ts'

/** A channel for people and programs, without its secrets. */
export function shown(channel: Channel, isReadOnly: boolean, suspension: Suspension | undefined) {
  const view = viewOf(channel)
  const { oauth } = channel
  return {
    index: Math.max(0, channel.position - 1),
    id: channel.id,
    pool: channel.pool,
    ...view,
    quotaResetAt: iso(view.quotaResetAt),
    fault: channel.fault,
    isReadOnly,
    promotionUntil: iso(channel.promotionUntil),
    suspendedUntil: iso(suspension?.until ?? null),
    suspensionReason: suspension?.reason ?? null,
    apiKeyCount: channel.keys.length,
    maskedKeys: channel.keys.map(({ id, secret }, index) => ({ index, id, masked: maskSecret(secret) })),
    oauth: oauth && {
      tokenUrl: oauth.tokenUrl,
      clientId: oauth.clientId,
      scope: oauth.scope,
      expiresAt: iso(oauth.expiresAt),
    },
  } satisfies ShownChannel
}
