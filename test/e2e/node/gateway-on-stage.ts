import { Client } from 'pg'
import { until } from '../../support/gateway.ts'
import type { Stage } from './stage.ts'

/** A store of the cluster that serves, and how it is talked to from beside the cluster. */
export interface StageGateway {
  readonly namespace: string
  readonly name: string
  /** Of its Service. */
  readonly url: string
  /** Asks the admin API with the key of the Secret. Throws unless it is content. */
  admin(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** Makes a key through the admin API, and answers its secret. */
  createKey(name: string): Promise<string>
  kubectl(...args: readonly string[]): Promise<string>
  /** What `kubectl get -o jsonpath` says. */
  get(what: string, path: string): Promise<string>
  patch(spec: object): Promise<void>
  /** Waits until it is as the spec says. */
  ready(): Promise<void>
}

/** Finds its way into a store that is there and ready. */
export async function enterGateway({ node }: Stage, namespace: string, name: string): Promise<StageGateway> {
  const kubectl = (...args: readonly string[]): Promise<string> => node.kubectl('-n', namespace, ...args)
  const get = (what: string, path: string): Promise<string> =>
    kubectl('get', ...what.split(' '), '-o', `jsonpath=${path}`)
  const encoded = await get(`secret ${name}-admin-key`, '{.data.admin-key}')
  const adminKey = Buffer.from(encoded, 'base64').toString()
  const url = `http://${await get(`service ${name}`, '{.spec.clusterIP}')}`
  await until('the Service leads to a pod', () => fetch(`${url}/health`).catch(() => undefined), 180_000)

  const gateway: StageGateway = {
    namespace,
    name,
    url,
    kubectl,
    get,
    async admin(method, path, body) {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return JSON.parse(text) as Record<string, unknown> // safe: the admin API answers objects
    },
    createKey: async (keyName) => String((await gateway.admin('POST', '/api/keys', { name: keyName }))['key']),
    async patch(spec) {
      await kubectl('patch', 'akstore', name, '--type=merge', '-p', JSON.stringify({ spec }))
    },
    async ready() {
      await kubectl('wait', '--for=condition=Ready', `akstore/${name}`, '--timeout=180s')
    },
  }
  return gateway
}

/** Rows of a PostgreSQL of the stage. */
export async function rowsOf<Row extends object>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end()
  }
}
