import type { KeyUsage } from '../domain/key.ts'
import type { WindowState } from '../domain/window.ts'
import { countedAmount, leavesAt, msUntilBelow, oldestCounted } from './rolling-window.ts'
import { TOKEN_WINDOW } from './spans.ts'

/** The five-hour window of a key, from what it has used. */
export function windowOf(
  { minutes, lifetimeTokens, lastUsedAt }: KeyUsage,
  tokenLimit: number | null,
  now: number,
): WindowState {
  const usedTokens = countedAmount(minutes, TOKEN_WINDOW, now)
  const oldest = oldestCounted(minutes, TOKEN_WINDOW, now)
  const isExhausted = tokenLimit !== null && usedTokens >= tokenLimit
  const lastsMs = isExhausted
    ? msUntilBelow(minutes, TOKEN_WINDOW, tokenLimit, now)
    : oldest
      ? leavesAt(oldest, TOKEN_WINDOW) - now
      : TOKEN_WINDOW.lengthMs
  return { usedTokens, startedAt: oldest?.start ?? now, endsAt: now + lastsMs, lifetimeTokens, lastUsedAt }
}
