import type { Protocol } from '../domain/endpoint.ts'
import { type Json, member } from './json.ts'

/** The text that one event of a stream adds to the answer. */
export function saidIn(json: Json, protocol: Protocol): string {
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
