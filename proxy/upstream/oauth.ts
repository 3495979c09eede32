import { Agent, type Dispatcher, request } from 'undici'
import type { ChannelOauth } from '../domain/channel.ts'
import { checkHost, guardedLookup } from './guarded-lookup.ts'

/** Why there is no token. The sentence says nothing that was sent or received but a code of the RFC. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
}

export interface TokenEndpoints {
  /**
   * Exchanges a refresh token for an access token (RFC 6749, section 6); `now` is milliseconds since the epoch. Throws
   * `TokenRefused`.
   */
  refresh(oauth: ChannelOauth, now: number): Promise<ChannelOauth>
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 64 * 1024
/** Section 5.2. What an endpoint may say else could be anything. */
const codes = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
])

export function createTokenEndpoints(): TokenEndpoints {
  const agent = new Agent({ connect: { lookup: guardedLookup, timeout: TIMEOUT_MS } })
  return {
    async refresh(oauth, now) {
      const answer = await ask(agent, oauth).catch((cause: unknown) => {
        if (cause instanceof TokenRefused) throw cause
        throw new TokenRefused(`the token endpoint could not be asked: ${reasonOf(cause)}`)
      })
      return { ...oauth, ...tokensOf(answer, now) }
    },
  }
}

async function ask(dispatcher: Dispatcher, oauth: ChannelOauth): Promise<Readonly<Record<string, unknown>>> {
  const { tokenUrl, clientId, clientSecret, scope, refreshToken } = oauth
  checkHost(new URL(tokenUrl).hostname)
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
  if (scope !== null) form.set('scope', scope)
  if (clientSecret === null) form.set('client_id', clientId)
  const { statusCode, body } = await request(tokenUrl, {
    dispatcher,
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(clientSecret !== null && { authorization: basic(clientId, clientSecret) }),
    },
    body: form.toString(),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  let [text, bytes] = ['', 0]
  const decoder = new TextDecoder()
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BYTES) throw new TokenRefused('the token endpoint answered more than a token') // which ends the body
    text += decoder.decode(chunk, { stream: true })
  }
  const answer = objectIn(text)
  if (statusCode === 200 && answer !== undefined) return answer
  const { error } = answer ?? {}
  const code = typeof error === 'string' && codes.has(error) ? `, ${error}` : ''
  throw new TokenRefused(`the token endpoint answered ${statusCode}${code}`)
}

/** Section 2.3.1: both are encoded as a form's first, so that a colon in one of them does not end it. */
function basic(clientId: string, clientSecret: string): string {
  const encoded = (text: string): string => new URLSearchParams({ a: text }).toString().slice('a='.length)
  return `Basic ${Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString('base64')}`
}

/** Section 5.1. A refresh token that is not answered stays the one that there is. */
function tokensOf(answer: Readonly<Record<string, unknown>>, now: number): Partial<ChannelOauth> {
  const { access_token: accessToken, token_type: type, expires_in: lasts, refresh_token: refreshToken } = answer
  if (typeof accessToken !== 'string' || !isHeaderText(accessToken)) {
    throw new TokenRefused('the token endpoint answered without a token')
  }
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') {
    throw new TokenRefused('the token endpoint answered a token that is no bearer token')
  }
  const seconds = Number(lasts ?? Number.NaN)
  return {
    accessToken,
    expiresAt: Number.isFinite(seconds) ? now + Math.floor(Math.max(0, seconds) * 1000) : null,
    ...(typeof refreshToken === 'string' && refreshToken !== '' && { refreshToken }),
  }
}

/** RFC 6750, section 2.1, says which characters a bearer token has; these are all that a header can have. */
function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined // safe: it is one
  } catch {
    return undefined
  }
}

/** The code of a connection's error (`ECONNREFUSED`), or its kind: a message could quote what was sent. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code = error.name } = error as { readonly code?: unknown } // safe: whatever it is, it is looked at
  return typeof code === 'string' ? code : error.name
}
