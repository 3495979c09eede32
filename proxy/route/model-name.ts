const efforts = ['low', 'medium', 'high', 'xhigh'] as const
export type Effort = (typeof efforts)[number]

/** Names come from callers. What is longer is no model's, and is not looked for in anything. */
export const MAX_MODEL_CHARACTERS = 512

/** A name without a trailing `(suffix)`, and the suffix with its parentheses; empty where there is none. */
export function splitSuffix(model: string): { readonly base: string; readonly suffix: string } {
  const opens = model.endsWith(')') ? model.lastIndexOf('(') : -1
  return opens > 0 ? { base: model.slice(0, opens).trimEnd(), suffix: model.slice(opens) } : { base: model, suffix: '' }
}

/** A name without a trailing effort, as in `gpt-5(high)`, and the effort. Another suffix is part of the name. */
export function splitEffort(model: string): { readonly base: string; readonly effort: Effort | undefined } {
  const { base, suffix } = splitSuffix(model)
  const effort = efforts.find((name) => `(${name})` === suffix.toLowerCase())
  return effort === undefined ? { base: model, effort } : { base, effort }
}

/**
 * Whether a model is meant by globs, in which `*` is any run of characters: by any of them, or by none but those that
 * begin with `!`. Case does not matter; a name is tried as it is, and without its suffix. No globs mean every model.
 */
export function compileModels(globs: readonly string[]): (model: string) => boolean {
  if (globs.length === 0) return () => true
  const meant = globs.filter((glob) => !glob.startsWith('!')).map(compileGlob)
  const excluded = globs.filter((glob) => glob.startsWith('!')).map((glob) => compileGlob(glob.slice(1)))
  return (model) => {
    if (model.length > MAX_MODEL_CHARACTERS) return false
    const name = model.toLowerCase()
    const { base } = splitSuffix(name)
    const isOneOf = (patterns: readonly Pattern[]): boolean =>
      patterns.some((pattern) => matches(pattern, name) || (base !== name && matches(pattern, base)))
    return (meant.length === 0 || isOneOf(meant)) && !isOneOf(excluded)
  }
}

interface Pattern {
  readonly first: string
  /** Between stars. */
  readonly middle: readonly string[]
  /** Undefined without a star. */
  readonly last: string | undefined
}

function compileGlob(glob: string): Pattern {
  const [first = '', ...middle] = glob.toLowerCase().split('*')
  return { first, last: middle.pop(), middle }
}

/** Each piece is taken where it comes first, which leaves the most for those behind it: nothing is ever tried twice. */
function matches({ first, middle, last }: Pattern, name: string): boolean {
  if (last === undefined) return name === first
  if (!name.startsWith(first)) return false
  let at = first.length
  for (const piece of middle) {
    const found = name.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}
