import { Agent } from 'undici'
import { ApiError } from './api-error.ts'
import type { Identity, ReadIdentity } from './identity.ts'

export interface Session {
  readonly identity: Identity
  /** Watches have connections of their own, so that they never keep a call waiting. */
  readonly calls: Agent
  readonly watches: Agent
}

export interface Sessions {
  /** The one to use now. */
  current(): Promise<Session>
  /** The one to use when the server does not believe the identity at hand. */
  renew(): Promise<Session>
  close(): Promise<void>
}

const CONNECT_MS = 10_000
const HEADERS_MS = 30_000
const MAX_CONNECTIONS = 32

/**
 * Two agents in all; the library makes a new one, and with it a new TLS connection, for every request. The identity is
 * read anew when it is `maxAgeMs` old, as Kubernetes' own clients do. Agents are replaced when an authority or a
 * certificate was.
 */
export function createSessions(readIdentity: ReadIdentity, maxAgeMs: number): Sessions {
  let session: Session | undefined
  let readAt = 0
  let reading: Promise<Session> | undefined

  async function read(): Promise<Session> {
    try {
      const identity = await readIdentity()
      const former = session
      const isTrusted = former !== undefined && trustOf(former.identity) === trustOf(identity)
      session = isTrusted ? { ...former, identity } : { identity, ...openAgents(identity) }
      if (!isTrusted) void Promise.allSettled([former?.calls.close(), former?.watches.close()])
      return session
    } catch (error) {
      // A file that is being replaced is no reason to stop: the identity at hand is mostly still good.
      if (session) return session
      throw new ApiError('reading the credentials', { status: 0, reason: 'Unreachable', cause: error })
    } finally {
      readAt = performance.now()
      reading = undefined
    }
  }

  const renew = (): Promise<Session> => (reading ??= read())
  return {
    current: async () => (session && performance.now() - readAt < maxAgeMs ? session : renew()),
    renew,
    async close() {
      await reading?.catch(() => undefined)
      await Promise.all([session?.calls.destroy(), session?.watches.destroy()])
    },
  }
}

function trustOf({ server, tls }: Identity): string {
  return JSON.stringify([server, tls])
}

function openAgents({ tls }: Identity): Omit<Session, 'identity'> {
  // HTTP/2 would put all watches and calls on one connection, and a dead one takes all of them with it.
  const options = { allowH2: false, connect: { timeout: CONNECT_MS, ...tls }, headersTimeout: HEADERS_MS }
  return { calls: new Agent({ ...options, connections: MAX_CONNECTIONS }), watches: new Agent(options) }
}
