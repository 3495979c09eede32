import type { Channel } from '../domain/channel.ts'
import { MAX_MODEL_CHARACTERS, splitEffort, splitSuffix } from './model-name.ts'

export interface CompositeRoute {
  /** Ids of channels, to be tried in this order. */
  readonly targets: readonly string[]
  /** What they are asked for. */
  readonly model: string
}

/** Where a composite sends a model; undefined where none of its patterns is part of the name. */
export function resolveComposite(
  { compositeMappings }: Pick<Channel, 'compositeMappings'>,
  model: string,
): CompositeRoute | undefined {
  const name = model.slice(0, MAX_MODEL_CHARACTERS).toLowerCase()
  const mapping = compositeMappings.find(({ pattern }) => name.includes(pattern.toLowerCase()))
  if (mapping === undefined) return undefined
  return { targets: mapping.targets, model: mapping.model === null ? model : withEffortOf(model, mapping.model) }
}

/** The caller's effort stays with a model that is named without one. */
function withEffortOf(asked: string, model: string): string {
  const keeps = splitEffort(asked).effort !== undefined && splitEffort(model).effort === undefined
  return keeps ? model + splitSuffix(asked).suffix : model
}

/** What is wrong with a composite among all channels, in sentences. */
export function compositeProblems(channel: Channel, all: readonly Channel[]): readonly string[] {
  const byId = new Map(all.map((other) => [other.id, other]))
  const problems: string[] = []
  if (channel.pool === 'search') problems.push('a composite cannot be in the pool search')
  if (channel.compositeMappings.length === 0) problems.push('a composite needs a mapping')
  for (const { pattern, targets } of channel.compositeMappings) {
    const where = `the mapping of ${JSON.stringify(pattern)}`
    if (targets.length === 0) problems.push(`${where} needs a target`)
    for (const id of targets) {
      const target = byId.get(id)
      if (target === undefined) problems.push(`${where}: there is no channel ${JSON.stringify(id)}`)
      else if (target.serviceType === 'composite') problems.push(`${where}: ${target.name} is a composite itself`)
      else if (target.pool === 'search') problems.push(`${where}: ${target.name} is in the pool search`)
    }
  }
  return problems
}
