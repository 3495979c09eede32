import { type Effort, MAX_MODEL_CHARACTERS, splitEffort, splitSuffix } from './model-name.ts'

export interface MappedModel {
  /** The name that goes upstream, without an effort. */
  readonly model: string
  readonly effort: Effort | undefined
}

/**
 * The model that an upstream is asked for: what the mapping says of the name; of the name without its suffix, which is
 * kept; of the longest name that contains it or is contained in it, and the first of those in order; else the name
 * itself. The effort that the caller named wins over one that the mapping names.
 */
export function mapModel(model: string, mapping: Readonly<Record<string, string>>): MappedModel {
  if (Object.hasOwn(mapping, model)) return withoutEffort(mapping[model] ?? model)
  const { base, suffix } = splitSuffix(model)
  const source = Object.hasOwn(mapping, base) ? base : closestTo(base, mapping)
  const target = source === undefined ? undefined : mapping[source]
  if (target === undefined) return withoutEffort(model)

  const asked = splitEffort(model).effort
  const mapped = withoutEffort(target)
  return asked === undefined
    ? { model: mapped.model + suffix, effort: mapped.effort }
    : { model: mapped.model, effort: asked }
}

function withoutEffort(model: string): MappedModel {
  const { base, effort } = splitEffort(model)
  return { model: base, effort }
}

function closestTo(name: string, mapping: Readonly<Record<string, string>>): string | undefined {
  if (name === '' || name.length > MAX_MODEL_CHARACTERS) return undefined
  let closest: string | undefined
  for (const source of Object.keys(mapping)) {
    if (source === '' || !(name.includes(source) || source.includes(name))) continue
    const isCloser =
      closest === undefined || source.length > closest.length || (source.length === closest.length && source < closest)
    if (isCloser) closest = source
  }
  return closest
}
