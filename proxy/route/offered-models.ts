import type { Channel, CompositeMapping, ServiceType } from '../domain/channel.ts'
import { compileModels } from './model-name.ts'

/** What upstreams of a type have where a channel does not say: a name tells whose a model is. */
const CLAUDE = /^claude-/i
function naturallyOf(type: ServiceType, mappings: readonly CompositeMapping[]): (model: string) => boolean {
  const patterns = mappings.map(({ pattern }) => pattern.toLowerCase())
  if (type === 'composite') return (model) => patterns.some((pattern) => model.toLowerCase().includes(pattern))
  return (model) => CLAUDE.test(model) === (type === 'claude')
}

/**
 * The names of models that callers may ask for, sorted: those that are `listed` and that a channel serves, and those
 * that a channel names itself, in its globs or as the source of its mapping. `mayUse` is what the key may.
 */
export function offeredModels(
  channels: readonly Channel[],
  listed: readonly string[],
  mayUse: (model: string) => boolean,
): readonly string[] {
  const offered = channels
    .filter(({ status, fault }) => status === 'active' && fault === null)
    .flatMap(({ models, modelMapping, serviceType, compositeMappings }) => {
      const named = [...models, ...Object.keys(modelMapping)].filter((name) => !/[*!]/.test(name))
      const isMeant = compileModels(models)
      const has = models.some((glob) => !glob.startsWith('!')) ? isMeant : naturallyOf(serviceType, compositeMappings)
      const serves = (model: string): boolean => has(model) && isMeant(model)
      return [...named, ...listed.filter(serves)]
    })
  return [...new Set(offered)].filter(mayUse).toSorted()
}
