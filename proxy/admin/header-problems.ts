import type { HeaderPolicy } from '../domain/channel.ts'
import { isNamed } from '../domain/endpoint.ts'
import type { FieldProblem } from '../domain/errors.ts'

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** RFC 9110 section 5.5, without what is only there for old times. */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e\t]{0,4094}[\x21-\x7e])?$/

/**
 * What a channel may not set: what frames a message (RFC 9110 section 7.6.1, RFC 9112), what the gateway has to know
 * of the answer, and credentials, which are the keys of a channel and are kept encrypted there.
 */
const ours = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-api-key',
  'x-goog-api-key',
  'x-subscription-token',
])

/** What is wrong with a header policy; it has its names in small letters. `place` stands before the fields that are named. */
export function headerProblems({ remove, set }: HeaderPolicy, place: string): readonly FieldProblem[] {
  const names = Object.entries(set)
  return [
    ...remove.flatMap((name, at) => {
      const field = `${place}remove.${at}`
      if (!TOKEN.test(name)) return [{ field, message: 'This is no name of a header.' }]
      if (name.slice(0, -1).includes('*')) return [{ field, message: 'A * stands at the end only.' }]
      return isNamed('content-type', [name])
        ? [{ field, message: 'No upstream reads a call without content-type.' }]
        : []
    }),
    ...names.flatMap(([name, value]) => {
      const field = `${place}set.${name}`
      if (!TOKEN.test(name)) return [{ field, message: 'This is no name of a header.' }]
      if (ours.has(name)) return [{ field, message: 'The gateway sets this header itself.' }]
      return VALUE.test(value)
        ? []
        : [{ field, message: 'A header holds printable ASCII, and begins and ends with it.' }]
    }),
  ]
}
