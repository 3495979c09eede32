import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReadIdentity } from './identity.ts'

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * What Kubernetes gives to every pod: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/. Two files
 * and an address, for which the library is not worth its memory. An IPv6 address comes without brackets.
 */
export function identityFromServiceAccount(host: string, port: number, folder = FOLDER): ReadIdentity {
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  return async () => {
    const token = await readFile(join(folder, 'token'), 'utf8')
    const ca = await readFile(join(folder, 'ca.crt'), 'utf8')
    return { server, headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } }
  }
}
