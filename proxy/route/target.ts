import type { Call } from '../domain/call.ts'
import type { Channel, Pool } from '../domain/channel.ts'
import type { Endpoint, Protocol } from '../domain/endpoint.ts'
import type { Target } from '../domain/target.ts'

const ANTHROPIC_VERSION = '2023-06-01'

/** The pool whose channels answer at an endpoint. */
export function poolOf({ protocol, dialect, name }: Endpoint): Pool {
  if (dialect === 'anthropic') return 'messages'
  return protocol === 'responses' || name.startsWith('responses/') ? 'responses' : 'chat'
}

/** What an upstream of each type speaks natively. */
const spoken = { claude: 'messages', openai_chat: 'chat', responses: 'responses' } as const

/** The wire format of a channel's upstream; undefined for one that is not called by us. */
export function formatOf({ serviceType }: Channel): 'messages' | 'chat' | 'responses' | undefined {
  return serviceType in spoken ? spoken[serviceType as keyof typeof spoken] : undefined // safe: it is a name of it
}

const translated: ReadonlySet<Protocol> = new Set(['messages', 'chat', 'responses'])

/** Whether calls of an endpoint are put into the words of other formats; whatever else is passed through as it is. */
export function isTranslated({ protocol }: Endpoint): boolean {
  return translated.has(protocol)
}

/** Where a call goes that is in the channel's own format. */
export function targetOf(channel: Channel, secret: string | undefined, { endpoint, search, headers }: Call): Target {
  const { name, serviceType, headerPolicy, timeouts, tls } = channel
  const { origin, prefix } = baseOf(channel)
  const speaksAnthropic = serviceType === 'claude'
  return {
    channel: name,
    origin,
    // As the vendors' SDKs do: the version is part of OpenAI's base URLs, and of Anthropic's paths.
    path: prefix + (speaksAnthropic ? endpoint.path : endpoint.path.slice('/v1'.length)) + search,
    headers: {
      ...(speaksAnthropic
        ? {
            'anthropic-version': headers['anthropic-version'] ?? ANTHROPIC_VERSION,
            ...(secret && { 'x-api-key': secret }),
          }
        : secret && { authorization: `Bearer ${secret}` }),
      ...headerPolicy.set,
    },
    withheld: headerPolicy.remove,
    timeouts,
    tls,
  }
}

interface Base {
  readonly origin: string
  readonly prefix: string
}

const bases = new WeakMap<Channel, Base>()

function baseOf(channel: Channel): Base {
  let base = bases.get(channel)
  if (base === undefined) {
    const { origin, pathname } = new URL(channel.baseUrl)
    bases.set(channel, (base = { origin, prefix: pathname === '/' ? '' : pathname }))
  }
  return base
}
