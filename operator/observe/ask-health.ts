import type { HealthSeen } from '../plan/observed.ts'
import { HTTP_PORT } from '../resources/environment.ts'

/** Asks a pod how it is; undefined where it does not say. */
export type AskHealth = (podIp: string) => Promise<HealthSeen | undefined>

const TIMEOUT_MS = 2000

/** At the pod itself: the Service would answer for whichever pod it likes, and for none that is not ready. */
export function createAskHealth(port = HTTP_PORT): AskHealth {
  return async (podIp) => {
    const host = podIp.includes(':') ? `[${podIp}]` : podIp
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const answer = await fetch(`http://${host}:${port}/health`, { signal, redirect: 'error' })
      return readHealth(await answer.json())
    } catch {
      return undefined // a pod that cannot be asked is no failure of the pass: its readiness is the kubelet's to say
    }
  }
}

function readHealth(body: unknown): HealthSeen | undefined {
  const { status, version, schema, database } = (body ?? {}) as Health // safe: each field is checked
  if (typeof status !== 'string') return undefined
  return {
    canServe: status !== 'unhealthy',
    isDatabaseConnected: database?.connected === true,
    version: typeof version === 'string' ? version.slice(0, 64) : undefined,
    schema: typeof schema === 'number' ? String(schema) : undefined,
  }
}

interface Health {
  readonly status?: unknown
  readonly version?: unknown
  readonly schema?: unknown
  readonly database?: { readonly connected?: unknown } | null
}
