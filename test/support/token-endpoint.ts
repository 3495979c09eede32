import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { ChannelOauth } from '../../proxy/domain/channel.ts'

export interface TokenEndpoint {
  readonly url: string
  /** What was asked, as forms. */
  readonly asked: readonly Readonly<Record<string, string>>[]
  readonly authorizations: readonly (string | undefined)[]
  /** Access tokens that are taken now. */
  readonly valid: Set<string>
  behave(
    answer: (serial: number) => {
      readonly status?: number
      readonly body?: object | string
      readonly location?: string
    },
  ): void
}

/** Gives a new pair of tokens for the last refresh token, and for no other. */
export async function startTokenEndpoint(t: TestContext, isRotating = true): Promise<TokenEndpoint> {
  const asked: Record<string, string>[] = []
  const authorizations: (string | undefined)[] = []
  const valid = new Set<string>()
  let refreshToken = 'refresh-0'
  let other: Parameters<TokenEndpoint['behave']>[0] | undefined
  const answerTo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = Object.fromEntries(new URLSearchParams(await text(request)))
    asked.push(form)
    authorizations.push(request.headers.authorization)
    const serial = asked.length
    const { status = 200, body, location } = other?.(serial) ?? {}
    const isKnown = form['refresh_token'] === refreshToken
    let answer = body ?? (isKnown ? undefined : { error: 'invalid_grant' })
    if (answer === undefined) {
      valid.clear()
      valid.add(`access-${serial}`)
      if (isRotating) refreshToken = `refresh-${serial}`
      answer = {
        access_token: `access-${serial}`,
        token_type: 'Bearer',
        expires_in: 3600,
        ...(isRotating && { refresh_token: refreshToken }),
      }
    }
    response.writeHead(body === undefined && !isKnown ? 400 : status, {
      'content-type': 'application/json',
      ...(location !== undefined && { location }),
    })
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  }
  const server = createServer((request, response) => void answerTo(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo // safe: it listens on a port
  return { url: `http://127.0.0.1:${port}/token`, asked, authorizations, valid, behave: (answer) => (other = answer) }
}

/** What a channel knows of its account there, at first. */
export function account(endpoint: TokenEndpoint, more: Partial<ChannelOauth> = {}): ChannelOauth {
  return {
    tokenUrl: endpoint.url,
    clientId: 'client',
    clientSecret: null,
    scope: null,
    refreshToken: 'refresh-0',
    accessToken: null,
    expiresAt: null,
    ...more,
  }
}
