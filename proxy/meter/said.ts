import type { Protocol } from '../domain/endpoint.ts'

/** The text that one event of a stream adds to the answer. */
export function saidIn(json: Readonly<Record<string, unknown>>, protocol: Protocol): string {
  if (protocol === 'responses') return json['type'] === 'response.output_text.delta' ? text(json['delta']) : ''
  if (protocol === 'messages') return text(member(json['delta'], 'text'))
  const { choices } = json
  if (!Array.isArray(choices)) return ''
  return choices
    .map((choice: unknown) => text(member(choice, 'text')) + text(member(member(choice, 'delta'), 'content')))
    .join('')
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined // safe: an object
}
