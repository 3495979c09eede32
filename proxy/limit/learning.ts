import { learn, type Learnt, NOTHING_LEARNT } from './estimate.ts'

/** What the calls of one key teach about the next one, by model. */
export interface Learning {
  of(model: string | undefined): Learnt
  learn(model: string | undefined, call: { readonly outputTokens: number; readonly spend: number }): void
}

/** Names come from callers, so there are no more than so many; the one that was not used for longest goes. */
const MAX_MODELS = 32

export function createLearning(): Learning {
  const models = new Map<string, Learnt>()
  return {
    of: (model = '') => models.get(model) ?? NOTHING_LEARNT,
    learn(model = '', call) {
      const learnt = learn(models.get(model) ?? NOTHING_LEARNT, call)
      models.delete(model)
      models.set(model, learnt)
      const [oldest] = models.keys()
      if (models.size > MAX_MODELS && oldest !== undefined) models.delete(oldest)
    },
  }
}
