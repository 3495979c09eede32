import type { KeySource } from './auth/authenticate.ts'
import { TOKEN_WINDOW } from './limit/spans.ts'
import type { Limiter } from './limit/limiter.ts'
import type { FallbackStore } from './store/fallback-store.ts'

const IN_USE_MS = 86_400_000

/** Keys as they are in the store; whoever is found is held to the limits from then on. */
export function keySource(store: FallbackStore, limiter: Pick<Limiter, 'load'>, now: () => number): KeySource {
  const usedSince = (): number => now() - TOKEN_WINDOW.lengthMs - TOKEN_WINDOW.bucketMs
  return {
    async findByHash(hash) {
      const key = await store.findByHash(hash, usedSince())
      if (key) limiter.load(key)
      return key
    },
    async findInUse() {
      const keys = (await store.findInUse?.(now() - IN_USE_MS, usedSince())) ?? []
      for (const key of keys) limiter.load(key)
      return keys
    },
    findByIds: (ids) => store.findByIds(ids),
    keyRevision: () => store.keyRevision?.() ?? store.revision(),
    isFresh: () => store.isFresh(),
  }
}
