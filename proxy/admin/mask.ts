/** Of one side of a change. */
const MAX_CHARS = 16 * 1024
const MASK = '***'

/** Names of fields, in small letters and without anything else. */
const secretNames = new Set(['key', 'keys', 'apikey', 'apikeys', 'tokens', 'oauth', 'cookie', 'authorization'])
const secretEndings = ['secret', 'secrets', 'password', 'token', 'apikey', 'authorization', 'cookie']

/** A value as it may be kept: what stands under the name of a secret is masked, however deep. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => [
      name,
      isSecret(name) && holdsSomething(inner) ? MASK : masked(inner),
    ]),
  )
}

/** What was, or is now, as bounded JSON without secrets: its largest fields make place for the others. */
export function maskedJson(value: object): string {
  const whole = JSON.stringify(masked(value))
  if (whole.length <= MAX_CHARS) return whole
  const fields = Object.entries(masked(value) as object) // safe: what is masked of an object is an object
    .map(([name, inner]: [string, unknown]) => ({ name, inner, chars: JSON.stringify({ [name]: inner }).length }))
    .toSorted((one, other) => one.chars - other.chars)
  let room = MAX_CHARS - 64
  const kept = fields.filter(({ chars }) => (room -= chars) > 0)
  const leftOut = fields.length - kept.length
  return JSON.stringify({ ...Object.fromEntries(kept.map(({ name, inner }) => [name, inner])), leftOut })
}

function isSecret(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, '')
  return secretNames.has(plain) || secretEndings.some((ending) => plain.endsWith(ending))
}

/** That something was not there is no secret, and worth knowing. */
function holdsSomething(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0)
}
