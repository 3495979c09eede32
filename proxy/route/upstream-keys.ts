import type { Balance, Channel, ChannelKey } from '../domain/channel.ts'

/** Which of a channel's keys a call goes with. */
export interface UpstreamKeys {
  /** Forgets what is known of keys that are gone. */
  load(channels: readonly Channel[]): void
  /** A key that is ready; when all of them rest, the one that failed longest ago. Undefined where there are none. */
  first(channel: Channel, balance: Balance, now: number): ChannelKey | undefined
  /** A key that is ready and was not tried. */
  another(channel: Channel, balance: Balance, tried: ReadonlySet<string>, now: number): ChannelKey | undefined
  isReady(channel: Channel, key: ChannelKey, now: number): boolean
  failed(channel: Channel, key: ChannelKey, rest: Rest, now: number): void
  succeeded(channel: Channel, key: ChannelKey): void
  /** Whether every key of the channel rests because its account has nothing left. */
  isSpent(channel: Channel, now: number): boolean
}

interface Rest {
  /** Its account has nothing left: once another key works, it is the last to be tried. */
  readonly isSpent: boolean
  /** It rests so long at least. */
  readonly minMs: number
}

interface KeyFailures {
  readonly inARow: number
  readonly lastAt: number
  readonly restsUntil: number
  readonly isSpent: boolean
}

interface KeyStates {
  /** By key; one that worked last has none. */
  readonly failures: Map<string, KeyFailures>
  /** Those that go behind the others once one of the others works. */
  readonly spent: Set<string>
  /** In the order in which they went there. */
  readonly behind: Set<string>
  lastUsed: string | undefined
}

const REST_MS = 5 * 60_000
const LONG_REST_MS = 10 * 60_000
const MANY_FAILURES = 3
const NONE: ReadonlySet<string> = new Set()

export function createUpstreamKeys(random: () => number): UpstreamKeys {
  const channels = new Map<string, KeyStates>()
  const statesOf = ({ id }: Channel): KeyStates => {
    const states = channels.get(id) ?? {
      failures: new Map(),
      spent: new Set(),
      behind: new Set(),
      lastUsed: undefined,
    }
    channels.set(id, states)
    return states
  }
  const pick = (
    channel: Channel,
    balance: Balance,
    tried: ReadonlySet<string>,
    now: number,
  ): ChannelKey | undefined => {
    const states = statesOf(channel)
    const ordered = inOrder(channel.keys, states)
    const ready = ordered.filter(({ id }) => !tried.has(id) && isReadyAt(states, id, now))
    const key = oneOf(ready, ordered, balance, states.lastUsed, random)
    if (key !== undefined) states.lastUsed = key.id
    return key
  }

  return {
    load: (loaded) => forgetGone(channels, loaded),
    first: (channel, balance, now) => {
      if (channel.keys.length <= 1) return channel.keys[0]
      return pick(channel, balance, NONE, now) ?? longestAgo(channel.keys, statesOf(channel))
    },
    another: pick,
    isReady: (channel, { id }, now) => isReadyAt(statesOf(channel), id, now),
    failed(channel, { id }, { isSpent, minMs }, now) {
      const { failures, spent } = statesOf(channel)
      const inARow = (failures.get(id)?.inARow ?? 0) + 1
      const restMs = Math.max(inARow > MANY_FAILURES ? LONG_REST_MS : REST_MS, minMs)
      failures.set(id, { inARow, lastAt: now, restsUntil: now + restMs, isSpent })
      if (isSpent) spent.add(id)
    },
    succeeded(channel, { id }) {
      const { failures, spent, behind } = statesOf(channel)
      failures.delete(id)
      spent.delete(id)
      for (const other of spent) {
        behind.delete(other)
        behind.add(other)
      }
      spent.clear()
    },
    isSpent(channel, now) {
      const { failures } = statesOf(channel)
      return channel.keys.every(({ id }) => {
        const failed = failures.get(id)
        return failed !== undefined && failed.isSpent && failed.restsUntil > now
      })
    },
  }
}

function forgetGone(channels: Map<string, KeyStates>, loaded: readonly Channel[]): void {
  const keysOf = new Map(loaded.map(({ id, keys }) => [id, new Set(keys.map((key) => key.id))]))
  for (const [channelId, { failures, spent, behind }] of channels) {
    const left = keysOf.get(channelId)
    if (left === undefined) channels.delete(channelId)
    for (const known of [failures, spent, behind]) {
      for (const id of known.keys()) if (!left?.has(id)) known.delete(id)
    }
  }
}

function isReadyAt({ failures }: KeyStates, id: string, now: number): boolean {
  const failed = failures.get(id)
  return failed === undefined || failed.restsUntil <= now
}

function inOrder(keys: readonly ChannelKey[], { behind }: KeyStates): readonly ChannelKey[] {
  if (behind.size === 0) return keys
  const moved = [...behind].flatMap((id) => keys.find((key) => key.id === id) ?? [])
  return [...keys.filter(({ id }) => !behind.has(id)), ...moved]
}

function oneOf(
  ready: readonly ChannelKey[],
  ordered: readonly ChannelKey[],
  balance: Balance,
  lastUsed: string | undefined,
  random: () => number,
): ChannelKey | undefined {
  if (balance === 'random') return ready[Math.floor(random() * ready.length)]
  if (balance === 'failover') return ready[0]
  const behindLast = ordered.slice(ordered.findIndex(({ id }) => id === lastUsed) + 1)
  return behindLast.find((key) => ready.includes(key)) ?? ready[0]
}

function longestAgo(keys: readonly ChannelKey[], { failures }: KeyStates): ChannelKey | undefined {
  const lastAt = ({ id }: ChannelKey): number => failures.get(id)?.lastAt ?? 0
  return keys.toSorted((one, other) => lastAt(one) - lastAt(other))[0]
}
