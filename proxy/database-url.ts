/** What `sslmode` may be. The others of libpq promise nothing. */
export const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const

export function isDatabaseUrl(value: string): boolean {
  if (!/^postgres(?:ql)?:\/\//.test(value) || !URL.canParse(value)) return false
  const { username, password, hostname, pathname } = new URL(value)
  return pathname.length > 1 && [username, password, hostname, pathname].every(isDecodable)
}

/** Whether every % in it begins the code of a character. */
function isDecodable(part: string): boolean {
  try {
    decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

export function sslModeOf(value: string): string | null {
  return new URL(value).searchParams.get('sslmode')
}

interface Composed {
  /** Undefined where `DATABASE_URL` says it all, or nothing is said. */
  readonly url?: string
  readonly problems: readonly string[]
}

/** `DATABASE_URL` of its parts, as Secrets of databases have them: there nobody has encoded what a URL may not hold. */
export function composedUrl(env: Readonly<Record<string, string | undefined>>): Composed {
  const read = (name: string): string => env[name]?.trim() ?? ''
  const host = read('DB_HOST')
  if (host === '' || read('DATABASE_URL') !== '') return { problems: [] }
  const [user, password, database] = [read('DB_USER'), read('DB_PASSWORD'), read('DB_NAME')]
  const port = read('DB_PORT') || '5432'
  const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const problems = [
    ...(/[/?#@\\\s]/.test(host) || !URL.canParse(`http://${address}`) ? ['DB_HOST: must be a name or an address'] : []),
    ...(/^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? [] : ['DB_PORT: must be a port']),
    ...(user === '' ? ['DB_USER: is needed with DB_HOST'] : []),
    ...(database === '' ? ['DB_NAME: is needed with DB_HOST'] : []),
  ]
  if (problems.length > 0) return { problems }
  const secret = password === '' ? '' : `:${encodeURIComponent(password)}`
  return {
    url: `postgres://${encodeURIComponent(user)}${secret}@${address}:${port}/${encodeURIComponent(database)}`,
    problems,
  }
}
