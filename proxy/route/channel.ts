import type { Dialect } from '../domain/endpoint.ts'

/** One upstream account: how it is paid for, and where its APIs are. */
export interface Channel {
  readonly name: string
  /** Which models it is the first choice for. */
  readonly vendor: 'anthropic' | 'openai' | 'zai'
  readonly secret: string
  /** A channel without a base for a dialect does not speak it. */
  readonly bases: Readonly<Partial<Record<Dialect, Base>>>
}

interface Base {
  readonly origin: string
  /** The path that all of the API's paths begin with; without a slash at its end. */
  readonly prefix: string
}

export interface ChannelSettings {
  readonly ANTHROPIC_API_KEY?: string | undefined
  readonly ANTHROPIC_BASE_URL: string
  readonly OPENAI_API_KEY?: string | undefined
  readonly OPENAI_BASE_URL: string
  readonly ZAI_API_KEY?: string | undefined
  readonly ZAI_API_BASE: string
  readonly ZAI_ANTHROPIC_BASE: string
}

/** The channels that the environment describes: one for each vendor with a key. */
export function channelsOf(settings: ChannelSettings): readonly Channel[] {
  const channels: Channel[] = []
  const add = (vendor: Channel['vendor'], secret: string | undefined, bases: Channel['bases']): void => {
    if (secret !== undefined) channels.push({ name: vendor, vendor, secret, bases })
  }
  add('anthropic', settings.ANTHROPIC_API_KEY, { anthropic: baseOf(settings.ANTHROPIC_BASE_URL) })
  add('openai', settings.OPENAI_API_KEY, { openai: baseOf(settings.OPENAI_BASE_URL) })
  add('zai', settings.ZAI_API_KEY, {
    anthropic: baseOf(settings.ZAI_ANTHROPIC_BASE),
    openai: baseOf(settings.ZAI_API_BASE),
  })
  return channels
}

function baseOf(url: string): Base {
  const { origin, pathname } = new URL(url)
  return { origin, prefix: pathname.replace(/\/+$/, '') }
}
