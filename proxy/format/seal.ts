/**
 * The form in which a provider hands its model's thoughts out and takes them back unread: Anthropic's signature or
 * redacted data, OpenAI's encrypted content. Only the provider that made it accepts it.
 */
export type Seal =
  | { readonly by: 'messages'; readonly isRedacted: boolean; readonly value: string }
  /** `id` is the reasoning item's. */
  | { readonly by: 'responses'; readonly id: string; readonly value: string }

const MARK = 'tollgate.'
const SIGNATURE = `${MARK}signature.`
const REDACTED = `${MARK}redacted.`
const ENCRYPTED = `${MARK}encrypted.`

/** A seal in the place where the other provider's callers keep theirs; they hand it back with the next request. */
export function wrapSeal(seal: Seal): string {
  if (seal.by === 'responses') return `${ENCRYPTED}${seal.id}.${seal.value}`
  return `${seal.isRedacted ? REDACTED : SIGNATURE}${seal.value}`
}

/** The seal that `wrapSeal` put there; undefined for what the provider of that place made itself. */
export function unwrapSeal(text: string): Seal | undefined {
  if (text.startsWith(SIGNATURE)) return { by: 'messages', isRedacted: false, value: text.slice(SIGNATURE.length) }
  if (text.startsWith(REDACTED)) return { by: 'messages', isRedacted: true, value: text.slice(REDACTED.length) }
  if (!text.startsWith(ENCRYPTED)) return undefined
  const dot = text.indexOf('.', ENCRYPTED.length)
  if (dot === -1) return undefined
  return { by: 'responses', id: text.slice(ENCRYPTED.length, dot), value: text.slice(dot + 1) }
}
