import type { Call } from '../domain/call.ts'
import type { Target } from '../domain/target.ts'
import type { Channel } from './channel.ts'

const ANTHROPIC_VERSION = '2023-06-01'

/**
 * Where a call goes: `glm-*` to ZAI, everything else to the vendor of the dialect, else to ZAI, whose two APIs speak
 * both. Undefined when no channel speaks the caller's dialect.
 */
export function choose(channels: readonly Channel[], call: Call): Target | undefined {
  const { dialect } = call.endpoint
  const speaking = channels.filter(({ bases }) => bases[dialect] !== undefined)
  const zai = speaking.find(({ vendor }) => vendor === 'zai')
  const own = speaking.find(({ vendor }) => vendor === dialect)
  const channel = call.model?.startsWith('glm-') ? (zai ?? own) : (own ?? zai)
  return channel && targetOf(channel, call)
}

function targetOf({ name, secret, bases }: Channel, { endpoint, search, headers }: Call): Target | undefined {
  const base = bases[endpoint.dialect]
  if (base === undefined) return undefined
  const speaksAnthropic = endpoint.dialect === 'anthropic'
  return {
    channel: name,
    origin: base.origin,
    // As the vendors' SDKs do: the version is part of OpenAI's base URLs, and of Anthropic's paths.
    path: base.prefix + (speaksAnthropic ? endpoint.path : endpoint.path.slice('/v1'.length)) + search,
    headers: speaksAnthropic
      ? { 'x-api-key': secret, 'anthropic-version': headers['anthropic-version'] ?? ANTHROPIC_VERSION }
      : { authorization: `Bearer ${secret}` },
  }
}
