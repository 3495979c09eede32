import { FormatError } from './format.ts'
import type { Source } from './turn.ts'

/** An address as OpenAI writes it, with small files in a `data:` address (RFC 2397). */
export function sourceOfUrl(url: string, path: string): Source {
  return url.startsWith('data:') ? sourceOfData(url, path) : { kind: 'url', url }
}

/** A `data:` address and no other. */
export function sourceOfData(url: string, path: string): Source {
  const comma = url.indexOf(',')
  const head = url.slice(0, Math.max(comma, 0))
  if (!head.startsWith('data:') || !head.endsWith(';base64')) {
    throw new FormatError(`${path} must be data:, the media type, ;base64, and the data.`)
  }
  return { kind: 'base64', mediaType: head.slice('data:'.length, head.indexOf(';')), data: url.slice(comma + 1) }
}

export function urlOfSource(source: Source): string {
  return source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`
}
