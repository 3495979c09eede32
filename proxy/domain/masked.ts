const MASK = '***'
/** How names end under which secrets are sent, whoever made them up. `…-tokens` are counts of a model's. */
const SECRET = /(?:auth|authorization|key|token|secret|cookie|password|credentials?|signature|sig|jwt|assertion)$/i

type Fields = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** Headers as they may be kept: the values of those that carry secrets are masked. */
export function maskedHeaders(headers: Fields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return []
      return [[name.toLowerCase(), SECRET.test(name) ? MASK : Array.isArray(value) ? value.join(', ') : String(value)]]
    }),
  )
}

/** A query string as it may be kept, its other bytes as they were. */
export function maskedSearch(search: string): string {
  const pairs = search.split('&').map((pair) => {
    const [name = ''] = new URLSearchParams(pair.replace(/^\?/, '')).keys()
    return SECRET.test(name) ? `${pair.split('=', 1)[0]}=${MASK}` : pair
  })
  return pairs.join('&')
}
