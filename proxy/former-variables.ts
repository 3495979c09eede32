import type { Config } from './config.ts'

interface FormerVariables {
  readonly names: readonly string[]
  readonly knownTo: 'glm-proxy' | 'cc-bridge' | 'both'
  readonly standing: 'honoured' | 'no longer needed' | { readonly renamed: keyof Config }
  /** A clause: what is different, or why nothing of it is left. */
  readonly note: string
}

type Row = readonly [names: string, standing: FormerVariables['standing'], note: string]

const NO_LONGER = 'no longer needed'

const ofBoth: readonly Row[] = [
  ['PORT LOG_LEVEL', 'honoured', ''],
  ['DATABASE_URL', 'honoured', 'PostgreSQL only; a file of SQLite is `DATABASE_PATH`'],
]

const ofGlmProxy: readonly Row[] = [
  ['ZAI_API_KEY ZAI_API_BASE', 'honoured', ''],
  ['DEFAULT_MODEL', 'honoured', 'fills in for a call that names no model; a key with `--model` forces one'],
  ['DATA_FILE STORAGE_TYPE DATABASE_PATH', 'honoured', 'other defaults: see [storage](storage.md)'],
  ['ADMIN_API_KEY', 'honoured', 'at least 16 characters'],
  ['DB_RETRY_MAX DB_RETRY_DELAY_MS DB_RETRY_BACKOFF DB_RETRY_MAX_DELAY_MS DB_RETRY_SILENT', 'honoured', ''],
  [
    'STORAGE_FALLBACK_ENABLED STORAGE_FALLBACK_RETRY_INTERVAL_MS STORAGE_FALLBACK_MAX_RETRIES STORAGE_FALLBACK_VERBOSE_LOGGING',
    'honoured',
    'the fallback is a snapshot, and usage is merged back',
  ],
  ['POOL_MAX_CONNECTIONS', 'honoured', 'connections to PostgreSQL; those to upstreams open as they are needed'],
  ['CORS_ORIGINS', { renamed: 'CORS_ORIGIN' }, '`*` or one origin'],
  [
    'RATE_LIMIT_BATCH_INTERVAL_MS',
    { renamed: 'LEDGER_COMMIT_INTERVAL_MS' },
    'what waits for the database is in the spool and not in memory',
  ],
  ['RATE_LIMIT_MAX_BATCH_SIZE', NO_LONGER, 'the ledger sizes its batches itself'],
  ['ADMIN_API_ENABLED', NO_LONGER, 'the admin API is open to admin keys, and to nobody else'],
  [
    'ADMIN_TOKEN_EXPIRATION_SECONDS',
    NO_LONGER,
    'an admin key has its own end: `tollgate keys create --admin --expires`',
  ],
  [
    'DEFAULT_RATE_LIMIT',
    NO_LONGER,
    'it is a setting for [all callers](limits.md#what-holds-for-all-callers), and `--rpm` of a key',
  ],
  [
    'BACKUP_ENABLED BACKUP_SCHEDULE BACKUP_OUTPUT_DIR BACKUP_COMPRESS BACKUP_RETAIN',
    NO_LONGER,
    "the gateway makes no backups: use the database's own tools",
  ],
  [
    'DASHBOARD_PORT DASHBOARD_AUTH_TOKEN DASHBOARD_AUTH_USERNAME DASHBOARD_AUTH_PASSWORD',
    NO_LONGER,
    'there is no dashboard: the [admin API](admin-api.md) is on `PORT`, for admin keys',
  ],
  ['POOL_MIN_CONNECTIONS POOL_WARM DISABLE_CONNECTION_POOL', NO_LONGER, 'connections stay open by themselves'],
  ['CACHE_ENABLED CACHE_TTL_MS CACHE_MAX_SIZE', NO_LONGER, 'answers are not cached'],
  ['APIKEY_CACHE_SIZE APIKEY_CACHE_TTL_MS', NO_LONGER, 'keys in use are in memory, and changes come to them'],
  [
    'BATCHING_ENABLED BATCH_WINDOW_MS BATCH_MAX_SIZE BATCH_MAX_QUEUE_SIZE',
    NO_LONGER,
    'calls are sent as they come, each by itself',
  ],
  ['PROFILING_ENABLED', NO_LONGER, '[metrics](metrics.md) tell how long calls take'],
  [
    'STREAM_REQUEST_CHUNK_SIZE STREAM_RESPONSE_CHUNK_SIZE STREAM_BUFFER_POOL_ENABLED',
    NO_LONGER,
    'streams pass as they come',
  ],
]

const ofCcBridge: readonly Row[] = [
  ['MAX_REQUEST_BODY_MB TRUSTED_PROXIES SKIP_MIGRATION DATABASE_STARTUP_RETRIES', 'honoured', ''],
  ['MAX_CONCURRENT_REQUESTS', 'honoured', 'it bounded nothing there: here calls beyond it get 503'],
  ['CORS_ORIGIN', 'honoured', 'for `/v1`'],
  ['DB_SSLMODE', 'honoured', '`prefer` and `allow` are refused, since they promise nothing'],
  ['PROXY_ACCESS_KEY', { renamed: 'ADMIN_API_KEY' }, 'callers get keys of their own'],
  ['DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD', 'honoured', 'where `DATABASE_URL` is unset'],
  ['STORAGE_BACKEND', { renamed: 'STORAGE_TYPE' }, '`database`, or `file` for a key file of glm-proxy'],
  ['CONFIG_POLL_INTERVAL', { renamed: 'CONFIG_POLL_INTERVAL_MS' }, 'in milliseconds'],
  [
    'REQUEST_TIMEOUT',
    { renamed: 'FIRST_BYTE_TIMEOUT_MS' },
    'and `IDLE_TIMEOUT_MS` after it; `REQUEST_TIMEOUT_MS` is for the client',
  ],
  ['ENABLE_CORS', { renamed: 'CORS_ORIGIN' }, 'name the one origin that may call from a browser'],
  ['ENABLE_REQUEST_LOGS', { renamed: 'LOG_LEVEL' }, '`debug` has a line for every call, without the prompt'],
  ['ENABLE_RESPONSE_LOGS', NO_LONGER, 'the log never holds answers'],
  ['ENV NODE_ENV', NO_LONGER, 'the gateway is the same everywhere'],
  ['ALLOW_INSECURE_DEFAULT_KEY', NO_LONGER, 'there is no default key'],
  [
    'ALLOW_INSECURE_DEPRECATED_KEY_PATH_ENDPOINTS',
    NO_LONGER,
    'keys of channels are named by their ids in paths, never by themselves',
  ],
  ['ENABLE_WEB_UI', NO_LONGER, 'there is no web UI: see the [admin API](admin-api.md)'],
  ['LOAD_BALANCE_STRATEGY', NO_LONGER, 'each pool has its own: `PUT /api/config/load-balance`'],
  ['DATABASE_TYPE', NO_LONGER, '`DATABASE_URL` is PostgreSQL, and `DATABASE_PATH` SQLite'],
  ['DATABASE_STARTUP_RETRY_DELAY_SECONDS', NO_LONGER, 'the pauses are those of `DB_RETRY_DELAY_MS`, at most 2 s'],
  [
    'ENABLE_RATE_LIMIT RATE_LIMIT_WINDOW RATE_LIMIT_MAX_REQUESTS',
    NO_LONGER,
    'it is a setting for [all callers](limits.md#what-holds-for-all-callers), and `--rpm` of a key',
  ],
  ['HEALTH_CHECK_ENABLED HEALTH_CHECK_PATH', NO_LONGER, 'it is always `/health`'],
  [
    'LOG_DIR LOG_FILE LOG_MAX_SIZE LOG_MAX_BACKUPS LOG_MAX_AGE LOG_COMPRESS LOG_TO_CONSOLE',
    NO_LONGER,
    'the log goes to standard output',
  ],
  [
    'FORWARD_PROXY_ENABLED FORWARD_PROXY_PORT FORWARD_PROXY_BIND FORWARD_PROXY_INTERCEPT_DOMAINS FORWARD_PROXY_CERT_DIR',
    NO_LONGER,
    'the gateway breaks up no TLS of others: point `baseURL` at it',
  ],
]

/** The variables of the systems before this one, as docs/configuration.md tells of them. */
export const formerVariables: readonly FormerVariables[] = [
  ...rowsOf('both', ofBoth),
  ...rowsOf('glm-proxy', ofGlmProxy),
  ...rowsOf('cc-bridge', ofCcBridge),
]

/** Set in many environments by others. */
const isAnybodys: ReadonlySet<string> = new Set(['ENV', 'NODE_ENV'])

/**
 * Which variables are set that an earlier system knew and that do nothing here, with their new names and without their
 * values. One whose new name is set as well is most likely what that was made of.
 */
export function ignoredVariables(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const isSet = (name: string): boolean => (env[name]?.trim() ?? '') !== ''
  return formerVariables.flatMap(({ names, standing }) => {
    if (standing === 'honoured') return []
    const found = names.filter((name) => isSet(name) && !isAnybodys.has(name))
    if (standing === NO_LONGER) return found
    return isSet(standing.renamed) ? [] : found.map((name) => `${name} (now ${standing.renamed})`)
  })
}

function rowsOf(knownTo: FormerVariables['knownTo'], rows: readonly Row[]): readonly FormerVariables[] {
  return rows.map(([names, standing, note]) => ({ names: names.split(' '), knownTo, standing, note }))
}
