import { type Json, parseObject } from './json.ts'

const NAME = Buffer.from('"usage"')
const BACKSLASH = 0x5c
/** Each try copies the rest of the text: an answer full of the name must not cost the square of its length. */
const MAX_TRIES = 64

/**
 * Finds the end of a JSON object from its top-level `usage` on, without parsing the rest. From the right place on, `{`
 * and what follows are again one whole object: a `usage` deeper down leaves braces over, and one inside a string has a
 * backslash before its quote. `isWhole` is whether `tail` is the whole text.
 */
export function endFromUsage(tail: Buffer, isWhole: boolean): Json | undefined {
  let tries = MAX_TRIES
  for (let at = tail.lastIndexOf(NAME); at !== -1; at = at === 0 ? -1 : tail.lastIndexOf(NAME, at - 1)) {
    if (tries-- === 0) break
    if (tail[at - 1] === BACKSLASH) continue
    const found = parseObject(`{${tail.toString('utf8', at)}`)
    if (found !== undefined) return found
  }
  return isWhole ? parseObject(tail.toString('utf8')) : undefined
}
