import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { z } from 'zod'
import type { DocumentedOperation } from '../../proxy/admin/operation.ts'
import { openApiOf } from '../../proxy/admin/openapi.ts'
import { createAdministration } from '../../proxy/administration.ts'
import { createApp } from '../../proxy/app.ts'
import type { ApiDocument } from '../../proxy/domain/api-document.ts'
import type { AuditEntry } from '../../proxy/domain/audit.ts'
import { GatewayError } from '../../proxy/domain/errors.ts'
import type { KeyRecord } from '../../proxy/domain/key.ts'
import type { Prices } from '../../proxy/domain/price.ts'
import type { Operation } from '../../proxy/domain/operation.ts'
import type { OperationParts } from '../../proxy/http/operations.ts'
import { listen } from '../../proxy/http/server.ts'
import { environmentChannels } from '../../proxy/route/environment.ts'
import { createCipher } from '../../proxy/secrets/cipher.ts'
import { createConfiguration } from '../../proxy/store/configuration.ts'
import { createPriceStore } from '../../proxy/store/prices.ts'
import { replacePrices } from '../../proxy/store/replace-prices.ts'
import { aKey } from './a-key.ts'
import { ask, type Answer, json } from './ask.ts'
import { OLD_KEY } from './channels.ts'
import { aRouter } from './journeys.ts'
import type { TestDatabase } from './database.ts'

export const NOW = Date.UTC(2030, 0, 2)

/** The callers of the tests, by their credentials. */
const keys: Readonly<Record<string, KeyRecord>> = {
  admin: aKey({ id: '01JGF0000000000000000ADMIN', name: 'root', isAdmin: true }),
  tenant: aKey({ id: '01JGF00000000000000TENANTS', name: 'lead', isTenantAdmin: true, tenantId: 'tenant-1' }),
  user: aKey({ id: '01JGF000000000000000000USE', name: 'alice' }),
}

/** One account in the environment. */
const accounts = {
  ANTHROPIC_API_KEY: 'sk-ant-of-the-environment',
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
  OPENAI_BASE_URL: 'https://api.openai.com/v1',
  ZAI_API_BASE: 'https://api.z.ai/api/paas/v4',
  ZAI_ANTHROPIC_BASE: 'https://api.z.ai/api/anthropic',
}

export interface Sent {
  /** `admin` if it is left out; null sends none. */
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | string | Buffer
}

export interface AdminApi {
  readonly url: string
  readonly port: number
  readonly document: ApiDocument
  readonly operations: readonly Operation[]
  /** Asks, and holds the answer against the document. */
  send(method: string, path: string, sent?: Sent): Promise<Answer & { readonly json: Record<string, unknown> }>
  /** The audit log, oldest first. */
  audited(): Promise<readonly AuditEntry[]>
  /** Everything that was told to be lost. */
  readonly lost: readonly AuditEntry[]
}

export interface AdminApiOptions {
  /** Instead of the product's own operations. */
  readonly operations?: readonly DocumentedOperation[]
  readonly hasDatabase?: boolean
  /** Nobody is limited if it is left out. */
  readonly countRequest?: OperationParts['countRequest']
}

/** The admin API over real stores, and HTTP, on a port of its own. */
export async function startAdminApi(
  t: TestContext,
  { database, keys: store }: Pick<TestDatabase, 'database' | 'keys'>,
  { operations, hasDatabase = true, countRequest = () => undefined }: AdminApiOptions = {},
): Promise<AdminApi> {
  const lost: AuditEntry[] = []
  const surprises: unknown[] = []

  const configuration = createConfiguration(database, createCipher([OLD_KEY]))
  const prices = {
    ...createPriceStore(database),
    replaceAll: (all: Prices, expectedRevision?: string) => replacePrices(database, all, expectedRevision),
  }
  const { operations: parts, settled } = createAdministration({
    version: '1',
    stores: hasDatabase ? { configuration, keys: store, prices } : undefined,
    environment: environmentChannels(accounts),
    health: () => undefined,
    scheduling: (...asked) => aRouter([]).scheduling(...asked),
    startedAt: NOW - 1500,
    isWell: () => true,
    quotas: { usage: () => Promise.resolve(undefined), reset: () => Promise.resolve() },
    reload: () => Promise.resolve(),
    catchUp: () => Promise.resolve(),
    authenticate,
    clientAddress: () => '192.0.2.1',
    countRequest,
    now: () => NOW,
    onLost: (entries) => void lost.push(...entries),
    onWatchError: (error) => surprises.push(error),
  })
  const admin = { ...parts, ...(operations && tableOf(operations)) }
  const pages = {
    version: '1',
    authenticate,
    clientAddress: parts.clientAddress,
    stats: () => Promise.resolve({}),
    health: () => Promise.resolve({ canServe: true, body: {} }),
    isReady: () => true,
    isDraining: () => false,
    metrics: () => Promise.resolve({ type: 'text/plain', text: '' }),
  }
  const reportError = (error: GatewayError): void => {
    if (error.code === 'internal') surprises.push(error.cause)
  }
  const app = createApp({ handle: () => Promise.resolve() }, pages, admin, reportError)
  const server = await listen(app, { host: '127.0.0.1', port: 0, requestTimeoutMs: 60_000, reportError })
  t.after(() => server.close(0))
  const url = `http://127.0.0.1:${server.port}`

  return {
    url,
    port: server.port,
    operations: admin.operations,
    document: admin.document(),
    lost,
    async send(method, path, { key = 'admin', headers, body } = {}) {
      const credential = key === null ? {} : { authorization: `Bearer ${key}` }
      const answer = await ask(url + path, { method, headers: { ...credential, ...headers }, ...(body && { body }) })
      assert.deepEqual(surprises, [], `${method} ${path}`)
      expectDocumented(admin.document(), method, path, answer)
      return { ...answer, json: answer.text === '' ? {} : json(answer.text) }
    },
    async audited() {
      await settled()
      return (await configuration.audit.list({ limit: 1000 })).toReversed()
    },
  }
}

function tableOf(operations: readonly DocumentedOperation[]) {
  const document = openApiOf(operations, { Test: 'Tests' }, '1')
  return { operations, document: () => document }
}

function authenticate(credential: string | undefined): Promise<KeyRecord> {
  const key = keys[credential ?? '']
  return key ? Promise.resolve(key) : Promise.reject(new GatewayError(credential ? 'key_invalid' : 'key_missing'))
}

/** Fails unless the document says that this can be answered. A path or method that is in no document can be anything. */
export function expectDocumented(document: ApiDocument, method: string, path: string, answer: Answer): void {
  const [bare = ''] = path.split('?')
  const templates = Object.keys(document.paths).toSorted(
    (one, other) => one.split('{').length - other.split('{').length,
  )
  const template = templates.find((candidate) => isPathOf(candidate, bare))
  const operation = document.paths[template ?? '']?.[method.toLowerCase()]
  if (operation === undefined || answer.status === 501) return
  const documented = operation.responses[answer.status]
  assert.ok(documented, `${method} ${template} may not answer ${answer.status}: ${answer.text}`)
  const schema = documented.content?.['application/json'].schema
  assert.equal(schema === undefined, answer.text === '', `${method} ${template} ${answer.status} has a body or not`)
  if (schema === undefined) return
  const body = json(answer.text)
  const isError = schema['$ref'] === '#/components/schemas/Error'
  if (isError) assert.ok(documented.description.includes(`\`${String(body['code'])}\``), `${template}: ${answer.text}`)
  const told = z.fromJSONSchema(isError ? (document.components.schemas['Error'] ?? false) : schema).safeParse(body)
  assert.ok(told.success, `${method} ${template} ${answer.status}: ${told.error?.message} in ${answer.text}`)
}

function isPathOf(template: string, path: string): boolean {
  const parts = template.split('/')
  const given = path.split('/')
  return (
    parts.length === given.length &&
    parts.every((part, at) => part === given[at] || (part.startsWith('{') && given[at] !== ''))
  )
}
