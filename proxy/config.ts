import { isIP } from 'node:net'
import { z } from 'zod'
import { composedUrl, isDatabaseUrl, sslModeOf, sslModes } from './database-url.ts'
import { parseKeys } from './secrets/parse-keys.ts'

const MB = 1024 * 1024

/** A timer that is set for longer than this goes off at once. */
const MAX_TIMER_MS = 2_147_483_647

/**
 * Space around a value is a slip, often the newline at the end of a secret's file. `undefined` for an empty variable:
 * `FOO=` in a .env file means that FOO is not set.
 */
const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() || undefined : value)
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(trimmed, schema)
const text = () => optional(z.string().optional())
const integer = (fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  optional(z.coerce.number().int().min(min).max(max).default(fallback))
const milliseconds = (fallback: number, min = 0, max = MAX_TIMER_MS) => integer(fallback, min, max)
const flag = (fallback: boolean) =>
  optional(z.enum(['true', 'false', '1', '0']).default(fallback ? 'true' : 'false')).transform(
    (value) => value === 'true' || value === '1',
  )
const url = (fallback: string) =>
  optional(
    z
      .url({ protocol: /^https?$/ })
      .refine(isBare, 'must have no user, password, query or fragment; keys have variables of their own')
      .default(fallback),
  )
const databaseUrl = () =>
  optional(
    z
      .string()
      .refine(
        isDatabaseUrl,
        'must be postgres://user:password@host:port/database, with special characters percent-encoded',
      )
      .refine(
        (value) => !isDatabaseUrl(value) || sslModes.some((mode) => mode === (sslModeOf(value) ?? mode)),
        `sslmode must be ${sslModes.join(', ')}`,
      )
      .optional(),
  )
/** `*` or one origin, as browsers write it: they compare it with their own letter by letter. */
const origin = () =>
  optional(
    z
      .string()
      .default('*')
      .refine(
        (value) => value === '*' || (/^https?:\/\/[^/?#@*,\\]+\/?$/i.test(value) && URL.canParse(value)),
        'must be * or one origin, such as https://app.example',
      )
      .transform((value) => (value === '*' ? value : new URL(value).origin)),
  )
const addressRanges = () =>
  optional(
    z
      .string()
      .default('')
      .transform((list) =>
        list
          .split(',')
          .map((each) => each.trim())
          .filter(Boolean),
      )
      .refine((list) => list.every(isAddressRange), 'must be addresses or ranges such as 10.0.0.0/8, with commas'),
  )
const key = () =>
  optional(
    z
      .string()
      .regex(/^[\x21-\x7e]{16,512}$/, 'must be 16 to 512 printable characters')
      .optional(),
  )
/** One at least, with commas; the sentences quote nothing of them. */
const encryptionKeys = () =>
  optional(
    z
      .string()
      .superRefine((list, context) => {
        const parsed = parseKeys(list)
        if (parsed.kind === 'problem') context.addIssue({ code: 'custom', message: parsed.problem })
      })
      .optional(),
  )
/** Goes into a header, so nothing else can be one. */
const upstreamKey = () =>
  optional(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces')
      .optional(),
  )

function isAddressRange(range: string): boolean {
  const [address = '', prefix = '0', more] = range.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return !address.includes('%') && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits && more === undefined
}

/** Every variable of the proxy. docs/configuration.md is compared with this by a test. */
export const variables = z.object({
  PORT: integer(3000, 0, 65_535).describe('Port of the API; 0 takes a free one and logs it.'),
  HOST: optional(z.string().default('0.0.0.0')).describe('Address to listen on.'),
  METRICS_PORT: optional(z.coerce.number().int().min(0).max(65_535).optional()).describe(
    'A port for `/metrics` alone, open to whoever reaches it. Without it `/metrics` is on `PORT`, for admin keys.',
  ),
  ADMIN_API_KEY: key().describe('An admin key from outside; at least 16 characters. Unset, the first start makes one.'),

  ANTHROPIC_API_KEY: upstreamKey().describe('Upstream account at Anthropic.'),
  ANTHROPIC_BASE_URL: url('https://api.anthropic.com').describe('Its API, without `/v1`.'),
  OPENAI_API_KEY: upstreamKey().describe('Upstream account at OpenAI.'),
  OPENAI_BASE_URL: url('https://api.openai.com/v1').describe('Its API, with `/v1`.'),
  ZAI_API_KEY: upstreamKey().describe(
    'Upstream account at Z.ai: first choice for `glm-*`, and for whatever has no account of its own.',
  ),
  ZAI_API_BASE: url('https://api.z.ai/api/coding/paas/v4').describe('Its OpenAI-compatible API.'),
  ZAI_ANTHROPIC_BASE: url('https://api.z.ai/api/anthropic').describe('Its Anthropic-compatible API, without `/v1`.'),
  DEFAULT_MODEL: text().describe('Fills in for a call that names no model.'),
  PASSTHROUGH_PATHS: optional(z.string().default('embeddings,moderations,images/*,audio/*,rerank'))
    .transform((list) =>
      list
        .split(',')
        .map((path) => path.trim().replace(/^\/?(?:v1\/)?/, ''))
        .filter(Boolean),
    )
    .describe('Endpoints below `/v1/` that are open besides the known ones; `*` at the end is a subtree.'),

  DATA_DIR: optional(z.string().default('./data')).describe(
    'Where the SQLite file, the spool, the snapshot of the keys and the first admin key lie.',
  ),
  ENCRYPTION_KEY: encryptionKeys().describe(
    'What the secrets of channels are encrypted under: 32 bytes in base64 or hexadecimal digits, or several such keys with commas, of which the first encrypts and all decrypt. Unset: `encryption.key` in `DATA_DIR`, made at the first start.',
  ),
  STORAGE_TYPE: optional(z.enum(['database', 'file']).optional()).describe(
    '`database` or `file` (`DATA_FILE`). Unset: the database, unless only a key file is there; see docs/storage.md.',
  ),
  DATABASE_URL: databaseUrl().describe('PostgreSQL: `postgres://user:password@host:port/database`. Unset: SQLite.'),
  DATABASE_DIRECT_URL: databaseUrl().describe(
    'The same database without a pooler between, where `DATABASE_URL` is a PgBouncer in transaction mode: for LISTEN, migrations and locks.',
  ),
  DB_HOST: text().describe('Where `DATABASE_URL` is unset: the host of PostgreSQL, with the four below.'),
  DB_PORT: text().describe('Its port. Default: 5432.'),
  DB_USER: text().describe('The user.'),
  DB_PASSWORD: text().describe('The password of the user, as it is.'),
  DB_NAME: text().describe('The database.'),
  DATABASE_PATH: text().describe('The SQLite file. Default: `tollgate.db` in `DATA_DIR`.'),
  DATA_FILE: text().describe('A key file `apikeys.json`. Default: `apikeys.json` in `DATA_DIR`.'),
  DB_SCHEMA: optional(
    z
      .string()
      .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a plain name in lower case')
      .default('tollgate'),
  ).describe('The schema of PostgreSQL that holds all tables.'),
  DB_SSLMODE: optional(z.enum(sslModes).optional()).describe(
    'TLS to PostgreSQL: `disable`, `require` (no check of the server), `verify-ca`, `verify-full`. Unset: `sslmode` of the URL, else `disable`.',
  ),
  DB_SSLROOTCERT: text().describe('A file with the certificates of the authorities to trust (PEM).'),
  DB_APPLICATION_NAME: optional(z.string().max(40).default('tollgate')).describe(
    'How the connections are named in `pg_stat_activity`.',
  ),
  DB_STATEMENT_TIMEOUT_MS: milliseconds(10_000, 1).describe(
    'For one statement of PostgreSQL. Behind a pooler set it on the role, too: poolers refuse it from here.',
  ),
  POOL_MAX_CONNECTIONS: integer(10, 1, 1000).describe('Connections of one process to PostgreSQL; one more listens.'),
  POOL_CONNECT_TIMEOUT_MS: milliseconds(10_000, 1).describe('To get a connection.'),
  POOL_IDLE_TIMEOUT_MS: milliseconds(20_000, 1).describe('After which a connection that nobody uses is closed.'),
  DB_RETRY_MAX: integer(3).describe('How often a look-up is tried again when the database fails for a moment.'),
  DB_RETRY_DELAY_MS: milliseconds(100, 1).describe('The first pause before that; up to half of each is chance.'),
  DB_RETRY_BACKOFF: integer(2, 1, 10).describe('Each pause is so many times the one before.'),
  DB_RETRY_MAX_DELAY_MS: milliseconds(10_000, 1).describe('The longest pause.'),
  DB_RETRY_SILENT: flag(false).describe('Whether retries stay out of the log.'),
  DATABASE_STARTUP_RETRIES: integer(30).describe(
    'How often a start without database and snapshot tries again, with the pauses above but at most 2 s, before it ends with status 1.',
  ),
  SKIP_MIGRATION: flag(false).describe(
    'Leaves the schema to `tollgate schema up`, run elsewhere: `serve` waits for it, unready.',
  ),
  STORAGE_FALLBACK_ENABLED: flag(true).describe(
    'Whether a snapshot of the configuration and the keys in use is kept in `DATA_DIR`, for a start without PostgreSQL.',
  ),
  STORAGE_FALLBACK_RETRY_INTERVAL_MS: milliseconds(1000, 10).describe(
    'How often the database is looked for while it is away.',
  ),
  STORAGE_FALLBACK_MAX_RETRIES: integer(0).describe(
    'After so many looks in vain no call is let in on old information; 0 is never.',
  ),
  STORAGE_FALLBACK_VERBOSE_LOGGING: flag(false).describe('Whether each of these looks is logged.'),
  SNAPSHOT_INTERVAL_MS: milliseconds(30_000, 10).describe('How often the snapshot is written.'),
  KEY_MAX_STALE_MS: milliseconds(3_600_000).describe(
    'How old information about a key may be, in memory or in the snapshot, before calls with it are refused.',
  ),
  SPOOL_DIR: text().describe(
    'Where entries wait for the database. Default: `spool` in `DATA_DIR`. A short path on a disk of this machine: it holds sockets.',
  ),
  SPOOL_FSYNC: optional(z.enum(['off', 'interval', 'always']).default('interval')).describe(
    'When the spool is synced to disk: `off` survives the process, `interval` (every second) and `always` the machine.',
  ),
  SPOOL_MAX_BYTES: integer(1024 * MB, MB).describe(
    'Beyond this (and beyond half of the volume) new calls get 503 rather than go unaccounted.',
  ),
  LEDGER_COMMIT_INTERVAL_MS: milliseconds(150, 1, 60_000).describe(
    'How long entries are collected before they are committed together.',
  ),
  LOG_RETENTION_DAYS: integer(90, 1).describe('How long entries are kept. Older ones are deleted, and refused.'),
  AUDIT_RETENTION_DAYS: integer(400, 1).describe('How long lines of the audit log are kept.'),
  WINDOW_COUNTS_CACHE_READS: flag(false).describe('Whether tokens read from a cache count against the window.'),
  LIMIT_WAIT_MS: milliseconds(10_000).describe(
    'How long a call waits when calls in flight hold the rest of its token limit.',
  ),
  LIMIT_OFFLINE_SHARE: optional(z.coerce.number().min(0).max(1).optional()).describe(
    'What part of the rest of a limit, when last seen, a process may spend while PostgreSQL is away. Default: its share among the replicas.',
  ),
  CONFIG_POLL_INTERVAL_MS: optional(z.coerce.number().int().min(10).max(MAX_TIMER_MS).optional()).describe(
    'How often the proxy looks for changed keys when the database does not tell. Default: 250, with PostgreSQL 5000.',
  ),

  MAX_REQUEST_BODY_MB: integer(20, 1)
    .transform((mb) => mb * MB)
    .describe('Largest request body.'),
  MAX_BUFFERED_MB: integer(512, 1)
    .transform((mb) => mb * MB)
    .describe('All request bodies held at once; beyond: 503.'),
  MAX_CONCURRENT_REQUESTS: integer(2000, 1).describe('Calls in flight; beyond: 503.'),
  CONNECT_TIMEOUT_MS: milliseconds(10_000, 1).describe('To connect to the upstream.'),
  FIRST_BYTE_TIMEOUT_MS: milliseconds(300_000, 1).describe("Until the head of the upstream's answer."),
  IDLE_TIMEOUT_MS: milliseconds(300_000, 1).describe("Between two pieces of the upstream's answer."),
  FAILOVER_DEADLINE_MS: milliseconds(120_000).describe(
    'How long another attempt may begin after a failed one, and a stream may say nothing; `0` makes one attempt.',
  ),
  REQUEST_TIMEOUT_MS: milliseconds(300_000, 1).describe(
    'For the client to send its request; its headers have at most 60 s.',
  ),
  CLIENT_STALL_TIMEOUT_MS: milliseconds(120_000, 1).describe(
    'A client that takes nothing of its answer for so long is cut off.',
  ),
  CLIENT_GONE_DRAIN_MS: milliseconds(30_000).describe(
    'How long the answer of a client that hung up is read on, to know its usage; `0` aborts and bills an estimate.',
  ),
  SSE_HEARTBEAT_MS: milliseconds(15_000, 10).describe('A silent stream gets an SSE comment so often.'),
  SHUTDOWN_DELAY_MS: milliseconds(0).describe(
    'After SIGTERM: how long to go on accepting while load balancers notice.',
  ),
  SHUTDOWN_GRACE_MS: milliseconds(30_000).describe(
    'After that: how long calls in flight and the ledger have to finish.',
  ),
  TRUSTED_PROXIES: addressRanges().describe(
    'Addresses and ranges, with commas, of the proxies before this one: their `X-Forwarded-For` says who calls. Unset: nobody is believed.',
  ),
  AUTH_GUARD_ENABLED: flag(true).describe(
    'Whether an address that sends 5, 10 or 20 wrong keys gets 429 for 1, 5 or 30 minutes, or as /api/ratelimit says; keys that are known to be valid pass.',
  ),
  CORS_ORIGIN: origin().describe('`Access-Control-Allow-Origin` of `/v1`.'),
  LOG_LEVEL: optional(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info')).describe(
    'Of the log on standard output. `debug` has a line for every call.',
  ),
})

/** Whether all of a URL would be used. What is no URL at all is somebody else's to tell. */
function isBare(value: string): boolean {
  if (!URL.canParse(value)) return true
  const { username, password, search, hash } = new URL(value)
  return username + password + search + hash === ''
}

export type Config = Readonly<z.output<typeof variables>>

/** A configuration that does not parse; `message` lists every problem. */
export class BadEnvironment extends Error {
  override readonly name = 'BadEnvironment'
}

/** Reads the environment. Throws one `BadEnvironment` that tells of everything that is wrong with it. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = variables.safeParse(env)
  const composed = composedUrl(env)
  if (parsed.success && composed.problems.length === 0) {
    return Object.freeze(composed.url === undefined ? parsed.data : { ...parsed.data, DATABASE_URL: composed.url })
  }
  const issues = parsed.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
  const problems = [...issues, ...composed.problems].map((problem) => `  ${problem}`)
  throw new BadEnvironment(`The environment has ${problems.length} problem(s):\n${problems.join('\n')}`)
}
