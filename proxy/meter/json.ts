/** An object of JSON that somebody else has written: its members may be anything. */
export type Json = Readonly<Record<string, unknown>>

/** The object that a text says; undefined where it is no JSON, or none that has members. */
export function parseObject(text: string): Json | undefined {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Json) : undefined // safe: an object
  } catch {
    return undefined
  }
}

export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Json)[name] : undefined // safe: an object
}

/** The usage object of an event, wherever its provider puts it. */
export function usageIn(event: Json): unknown {
  return event['usage'] ?? member(event['message'], 'usage') ?? member(event['response'], 'usage')
}
