import type { KeyRecord, KeyUsage } from './domain/key.ts'
import type { WindowState } from './domain/window.ts'
import { TOKEN_WINDOW } from './limit/spans.ts'
import { windowOf } from './limit/window.ts'

interface StatisticsParts {
  /** What a key has used, as far as this process knows. */
  readonly known: (key: KeyRecord) => KeyUsage
  /** What the store says; undefined where this process alone has the truth. */
  readonly read: ((keyId: string, usedSince: number) => Promise<KeyUsage | undefined>) | undefined
  readonly now: () => number
}

const MAX_AGE_MS = 1000
const MAX_KEYS = 1000

/** The window of a key for `/stats`: of all replicas, and at most a second old. */
export function createStatistics({ known, read, now }: StatisticsParts): (key: KeyRecord) => Promise<WindowState> {
  const recent = new Map<string, { readonly at: number; readonly usage: Promise<KeyUsage | undefined> }>()
  const usageOf = (key: KeyRecord): Promise<KeyUsage | undefined> => {
    if (read === undefined) return Promise.resolve(undefined)
    const last = recent.get(key.id)
    if (last && now() - last.at < MAX_AGE_MS) return last.usage
    const usage = read(key.id, now() - TOKEN_WINDOW.lengthMs - TOKEN_WINDOW.bucketMs).catch(() => undefined)
    recent.delete(key.id)
    recent.set(key.id, { at: now(), usage })
    const [oldest] = recent.keys()
    if (recent.size > MAX_KEYS && oldest !== undefined) recent.delete(oldest)
    return usage
  }
  return async (key) => windowOf((await usageOf(key)) ?? known(key), key.tokenLimit, now())
}
