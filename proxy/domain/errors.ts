/**
 * Every refusal a client can meet. The code is a promise to clients, the sentence tells a person what to do;
 * docs/errors.md lists them all and a test compares.
 */
const catalogue = {
  key_missing: [401, 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>'],
  key_blank: [401, 'API key cannot be empty'],
  key_invalid: [401, 'Invalid API key'],
  key_revoked: [401, 'This API key was revoked; ask your administrator for a new one.'],
  key_expired: [403, 'This API key has expired; ask your administrator for a new one.'],
  key_disabled: [403, 'This API key is disabled; ask your administrator to enable it.'],
  tenant_disabled: [403, 'The tenant of this API key is disabled; ask your administrator to enable it.'],
  address_blocked: [
    429,
    'Too many wrong API keys came from your address; check the key, and try again when the time in Retry-After is over.',
  ],
  admin_required: [403, 'This page needs an admin key.'],
  endpoint_not_allowed: [
    403,
    'This endpoint is not open to this key; an administrator can name it in allowed_endpoints.',
  ],
  path_invalid: [400, 'Write the path plainly: without //, dot segments or encoded slashes.'],
  request_invalid: [400, 'The request says something that cannot be used; details names each field.'],
  content_type_unsupported: [
    415,
    'Send the body as JSON, in UTF-8 and not compressed, with content-type application/json.',
  ],
  not_found: [404, 'There is none with this name or id; it may have been removed.'],
  conflict: [409, 'Another one has this name or value.'],
  revision_conflict: [409, 'Configuration changed; reload and retry'],
  read_only: [409, 'This comes from the environment of the gateway and can only be changed there.'],
  route_unknown: [404, 'There is nothing here; calls go to paths that begin with /v1/, and GET / lists the endpoints.'],
  method_not_allowed: [405, 'This endpoint does not know this method; see the Allow header.'],
  json_invalid: [400, 'The body is not a JSON object; send one with content-type application/json.'],
  request_malformed: [400, 'The request is not valid HTTP.'],
  request_timeout: [408, 'The request did not arrive in time; send it again.'],
  headers_too_large: [431, 'The request headers are too large.'],
  body_too_large: [413, 'The body is larger than this gateway accepts.'],
  window_exhausted: [429, 'Token limit exceeded for 5-hour window'],
  window_reserved: [429, 'Calls in flight hold the rest of the limit or budget; try again when they are done.'],
  budget_exhausted: [429, 'The budget of this key is spent.'],
  model_unpriced: [403, 'This key has a budget in money, and the model has no price.'],
  rate_limited: [429, 'Request rate limit exceeded, please try again later'],
  model_not_allowed: [403, 'This key may not use this model; ask your administrator.'],
  model_unknown: [404, 'There is no such model; GET /v1/models lists those that this key may use.'],
  loop_detected: [508, 'The call has come back to this gateway: a channel leads to the gateway itself.'],
  overloaded: [503, 'The gateway has as many calls in flight as it accepts; try again in a moment.'],
  shutting_down: [503, 'This gateway process is shutting down; try again.'],
  spool_unavailable: [503, 'The gateway cannot write its ledger and takes no call that it could not account for.'],
  storage_unavailable: [503, 'The gateway cannot reach its database to check this key; try again in a moment.'],
  needs_database: [
    501,
    'This gateway keeps its keys in a file; this page needs a database (DATABASE_URL or DATABASE_PATH).',
  ],
  no_upstream: [
    503,
    'No channel takes calls for this endpoint and model; add or resume one, or set ANTHROPIC_API_KEY, OPENAI_API_KEY or ZAI_API_KEY.',
  ],
  not_translatable: [400, 'The call cannot be said in the format of the channel.'],
  channel_not_allowed: [403, 'None of the channels that this key may use serves this call; ask your administrator.'],
  channel_busy: [429, 'The channels for this call have had their requests of this minute; try again in a moment.'],
  channel_quota_exhausted: [
    429,
    'The quotas of the channels for this call are used up; try again when the time in Retry-After is over.',
  ],
  channels_unavailable: [503, 'No channel can take this call at the moment; try again in a while.'],
  no_composite_mapping: [400, 'The channel has no mapping for this model; ask for another model.'],
  upstream_unreachable: [502, 'Upstream request failed'],
  upstream_timeout: [504, 'The upstream did not answer in time; try again.'],
  upstream_broken: [502, 'The upstream broke off its answer; try again.'],
  upstream_invalid: [
    502,
    'The upstream answered with a web page or a redirect instead of its API; check the base URL of the channel.',
  ],
  client_gone: [499, 'The client closed the connection before the answer was complete.'],
  internal: [500, 'Something went wrong in the gateway; the log has the details under this request id.'],
} as const satisfies Record<string, readonly [status: number, sentence: string]>

export type ErrorCode = keyof typeof catalogue

/** What is wrong with one field of a request; `field` is its path (`quota.limit`). Neither says what the field held. */
export interface FieldProblem {
  readonly field: string
  readonly message: string
}

export const errorCatalogue: Readonly<Record<ErrorCode, readonly [status: number, sentence: string]>> = catalogue

interface Particulars {
  /** Replaces the catalogue's sentence where a value belongs into it; public. */
  readonly message?: string
  /** For our log only. */
  readonly detail?: string
  /** What is wrong, field by field; public. */
  readonly details?: readonly FieldProblem[]
  readonly retryAfterMs?: number
  /** The upstream did no work for the call, so it has cost nothing. */
  readonly isUnbilled?: boolean
  /** System A's value of `error`, kept for clients that were written against it. */
  readonly legacy?: string | Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A refusal the client may read: `message` is public; `detail` and `cause` stay in the log. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly status: number
  readonly particulars: Particulars

  constructor(code: ErrorCode, particulars: Particulars = {}) {
    const [status, sentence] = catalogue[code]
    super(particulars.message ?? sentence, { cause: particulars.cause })
    this.code = code
    this.status = status
    this.particulars = particulars
  }
}
