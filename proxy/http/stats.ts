import type { KeyRecord } from '../domain/key.ts'
import type { WindowState } from '../domain/window.ts'

/**
 * System A's `/stats`, with its names. What has no value is null: a key without a limit, without an expiry, or that was
 * never used. `key` is the prefix, for the secret is not kept; `model` is `*` where the caller may choose.
 */
export function statsBody(key: KeyRecord, window: WindowState, defaultModel: string | undefined): object {
  return {
    key: `${key.prefix}…`,
    name: key.name,
    model: key.model ?? defaultModel ?? '*',
    token_limit_per_5h: key.tokenLimit,
    expiry_date: iso(key.expiresAt),
    created_at: iso(key.createdAt),
    last_used: iso(window.lastUsedAt),
    is_expired: false, // an expired key gets 403 here as everywhere
    current_usage: {
      tokens_used_in_current_window: window.usedTokens,
      window_started_at: iso(window.startedAt),
      window_ends_at: iso(window.endsAt),
      remaining_tokens: key.tokenLimit === null ? null : Math.max(0, key.tokenLimit - window.usedTokens),
    },
    total_lifetime_tokens: window.lifetimeTokens,
  }
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
