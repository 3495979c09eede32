import { type Entry, NO_CIRCUMSTANCES, NOTHING_TOLD } from '../../proxy/domain/entry.ts'
import { NO_USAGE, spendOf } from '../../proxy/domain/usage.ts'
import { oldestRetainedId } from '../../proxy/store/retention.ts'
import { createChance } from '../chance.ts'

export const DAY_MS = 86_400_000
/** The newest entry is of now, the oldest of so long ago: all are within the retention. */
const SPAN_MS = 30 * DAY_MS - 3_600_000

/** What there are few of: one entry of so many. */
export const RARE = {
  channel: 'channel-rare',
  model: 'model-rare',
  endpoint: 'responses',
  clientId: 'client-rare',
} as const
const ONE_OF = 50_000

const CHANNELS = 40
const MODELS = 12
const CLIENTS = 500
/** Sessions go on side by side, and each has so many calls. */
const SESSIONS = 200
const CALLS_OF_A_SESSION = 10

export const channelName = (nth: number): string => `channel-${nth}`
export const modelName = (nth: number): string => `model-${nth}`
export const clientName = (nth: number): string => `client-${nth}`
const sessionName = (nth: number): string => `session-${nth}`

/** Of `count` entries, the nth was admitted at this instant. */
export function instantOf(nth: number, count: number, now: number): number {
  return now - SPAN_MS + Math.floor((nth / count) * SPAN_MS)
}

/** Sorts by time, as every id; its rest is digits enough for any ledger. */
export function idOf(nth: number, count: number, now: number): string {
  return oldestRetainedId(instantOf(nth, count, now)) + nth.toString(36).toUpperCase().padStart(16, '0')
}

export function sessionOf(nth: number): string {
  const round = Math.floor(nth / (SESSIONS * CALLS_OF_A_SESSION))
  return sessionName(round * SESSIONS + (nth % SESSIONS))
}

/**
 * A month of calls, oldest first: a few keys, models and clients make most of them, as it is in life, one of twenty
 * fails, and conversations of ten calls go on side by side.
 */
export function* ledgerEntries(count: number, keyIds: readonly string[], now: number): Generator<Entry> {
  const chance = createChance(1)
  /** The smaller the likelier. */
  const few = (of: number): number => Math.floor(of * chance() ** 4)
  const newSession = () => ({ keyId: keyIds[few(keyIds.length)] ?? '', model: few(MODELS), client: few(CLIENTS) })
  let sessions = Array.from({ length: SESSIONS }, newSession)
  for (let nth = 0; nth < count; nth++) {
    if (nth % (SESSIONS * CALLS_OF_A_SESSION) === 0) sessions = sessions.map(newSession)
    const session = sessions[nth % SESSIONS] ?? newSession()
    const isRare = nth % ONE_OF === ONE_OF - 1
    const channel = isRare ? RARE.channel : channelName((session.model * 3 + few(3)) % CHANNELS)
    const usage = { ...NO_USAGE, inputTokens: few(20_000), outputTokens: few(4000), cacheReadTokens: few(50_000) }
    const cost = usage.inputTokens * 3000 + usage.outputTokens * 15_000 + usage.cacheReadTokens * 300
    yield {
      ...NO_CIRCUMSTANCES,
      id: idOf(nth, count, now),
      requestId: `req-${nth}`,
      keyId: isRare ? (keyIds.at(-1) ?? '') : session.keyId,
      tenantId: null,
      endpoint: isRare ? RARE.endpoint : 'messages',
      model: isRare ? RARE.model : modelName(session.model),
      stream: nth % 3 > 0,
      channel,
      channelId: channel,
      clientId: isRare ? RARE.clientId : clientName(session.client),
      sessionId: sessionOf(nth),
      admittedAt: instantOf(nth, count, now),
      ...endOf(chance()),
      told: NOTHING_TOLD,
      metering: 'exact',
      attempts: [],
      usage,
      spend: spendOf(usage, false),
      costNanoUsd: cost,
      firstByteMs: 300 + few(3000),
      durationMs: 3300 + few(60_000),
      quota: null,
    }
  }
}

function endOf(drawn: number): Pick<Entry, 'status' | 'httpStatus' | 'error'> {
  if (drawn < 0.95) return { status: 'completed', httpStatus: 200, error: null }
  if (drawn < 0.97) return { status: 'failed', httpStatus: 429, error: 'upstream_refused' }
  if (drawn < 0.98) return { status: 'failed', httpStatus: 400, error: 'upstream_refused' }
  if (drawn < 0.99) return { status: 'failed', httpStatus: 503, error: 'upstream_refused' }
  if (drawn < 0.999) return { status: 'client_gone', httpStatus: 200, error: 'client_gone' }
  return { status: 'failed', httpStatus: 0, error: 'upstream_unreachable' }
}
