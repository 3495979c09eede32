/** Keys of 32 bytes, one at least: the first encrypts, all decrypt. */
export type Keys = readonly [Buffer, ...Buffer[]]

/** What a list says, or one sentence that says what is wrong with it and quotes nothing of it. */
export type ParsedKeys =
  | { readonly kind: 'keys'; readonly keys: Keys }
  | { readonly kind: 'problem'; readonly problem: string }

const HEX = /^[0-9a-f]{64}$/i
/** 32 bytes in either alphabet of RFC 4648, padded or not. */
const BASE64 = /^(?:[A-Za-z0-9+/]{43}|[\w-]{43})=?$/

/** Reads keys with commas between them. A passphrase is none: people choose too short ones, and stretching costs a start. */
export function parseKeys(list: string): ParsedKeys {
  const texts = list.split(',').map((text) => text.trim())
  const keys: Buffer[] = []
  for (const [place, text] of texts.entries()) {
    const encoding = HEX.test(text) ? 'hex' : BASE64.test(text) ? 'base64' : undefined
    const which = texts.length === 1 ? 'the key' : `key ${place + 1} of ${texts.length}`
    if (encoding === undefined) {
      const problem = `${which} must be 32 bytes in base64 or hexadecimal digits; openssl rand -base64 32 makes one`
      return { kind: 'problem', problem }
    }
    const key = Buffer.from(text, encoding)
    if (keys.some((other) => other.equals(key))) return { kind: 'problem', problem: `${which} is there twice` }
    keys.push(key)
  }
  return { kind: 'keys', keys: keys as unknown as Keys } // safe: a text has one part at least
}
