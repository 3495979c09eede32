/** The shape in which errors are told: Anthropic's or OpenAI's error object. */
export type Dialect = 'anthropic' | 'openai'

/** How requests and answers are read. `opaque` bodies are passed through; their usage is taken where there is one. */
export type Protocol = 'messages' | 'chat' | 'completions' | 'responses' | 'opaque'

export interface Endpoint {
  /** The path without `/v1/`: the name that `allowed_endpoints` and the metrics use. */
  readonly name: string
  /** The configured name that stands for it in metrics: never what a caller made up. */
  readonly label: string
  /** The path as the client wrote it, `/v1/…`. */
  readonly path: string
  readonly protocol: Protocol
  readonly dialect: Dialect
  /** Open to every key: stateless endpoints are; resources of the shared upstream account are not. */
  readonly isOpen: boolean
  /** Whether its `model` is the caller's to choose: a forced or default model applies. */
  readonly takesModel: boolean
  /** The methods it answers to, for the Allow header; empty is any. */
  readonly methods: readonly string[]
}

const POST = ['POST']
const known = new Map<string, Pick<Endpoint, 'protocol' | 'dialect'>>([
  ['messages', { protocol: 'messages', dialect: 'anthropic' }],
  ['messages/count_tokens', { protocol: 'opaque', dialect: 'anthropic' }],
  ['chat/completions', { protocol: 'chat', dialect: 'openai' }],
  ['completions', { protocol: 'completions', dialect: 'openai' }],
  ['responses', { protocol: 'responses', dialect: 'openai' }],
])

/**
 * Finds the endpoint of a path below `/v1/`. `passthrough` are the names, with `*` at the end for a subtree,
 * that are open besides the known ones. `speaksAnthropic` is whether the caller sent `anthropic-version`: `/v1/models`
 * is the one path that both providers have.
 */
export function endpointOf(path: string, passthrough: readonly string[], speaksAnthropic: boolean): Endpoint {
  const name = path.slice('/v1/'.length)
  const found = known.get(name)
  if (found !== undefined) return { name, label: name, path, ...found, isOpen: true, takesModel: true, methods: POST }

  const isModels = name === 'models' || /^models\/[^/]+$/.test(name)
  const dialect = name.startsWith('messages/') || (isModels && speaksAnthropic) ? 'anthropic' : 'openai'
  const rest = { path, protocol: 'opaque', dialect, takesModel: false } as const
  if (isModels) return { name: 'models', label: 'models', ...rest, isOpen: true, methods: ['GET'] }
  const opening = passthrough.find((pattern) => isNamed(name, [pattern]))
  if (opening !== undefined) return { name, label: opening, ...rest, isOpen: true, methods: POST }
  return { name, label: 'other', ...rest, isOpen: false, methods: [] }
}

/** Whether a list of endpoint names names this one: `images/*` names `images/generations`. */
export function isNamed(name: string, names: readonly string[]): boolean {
  return names.some((each) => (each.endsWith('*') ? name.startsWith(each.slice(0, -1)) : name === each))
}

/**
 * A path that a proxy, a cache or an upstream could read as another one: `//`, dot segments, encoded slashes or
 * dots, backslashes, control characters. Such a path is refused rather than guessed at.
 */
export function isPlainPath(path: string): boolean {
  return !/\/\/|\/\.{1,2}(?:\/|$)|%(?:2e|2f|5c|0|1|25)|[\\\p{Cc}]/iu.test(path)
}
