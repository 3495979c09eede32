import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { settingKinds } from '../../../proxy/admin/config-document.ts'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { type AdminApi, startAdminApi } from '../../support/admin-api.ts'
import { channelsIn, NEW_KEY, OAUTH } from '../../support/channels.ts'
import { openDatabase, type TestDatabase, testEngines } from '../../support/database.ts'

type Json = Readonly<Record<string, unknown>>

const account = (id: string, more: Json = {}): Json => ({
  id,
  pool: 'messages',
  name: id,
  serviceType: 'claude',
  baseUrl: 'http://127.0.0.1:9',
  ...more,
})
const { accessToken: _access, expiresAt: _expires, ...oauth } = OAUTH

/** As somebody would write it: something of everything. */
const byHand: Json = {
  version: 1,
  channels: [
    account('one', { apiKeys: ['sk-first-of-one-1234', 'sk-second-of-one-567'], modelMapping: { opus: 'big(high)' } }),
    account('two', { oauth, quotaType: 'credit', quotaLimit: 2.5, headerPolicy: { set: { 'X-A': 'b' } } }),
    account('both', {
      pool: 'chat',
      serviceType: 'composite',
      baseUrl: '',
      compositeMappings: [{ pattern: 'opus', targetChannelId: 'two', failoverTargets: [{ channelId: 'one' }] }],
    }),
    account('old', { serviceType: 'gemini', pool: 'chat' }),
  ],
  pricing: { models: { opus: { inputPrice: 15, outputPrice: 75 } } },
  modelAliases: { messagesModels: [{ value: 'opus', description: 'large' }], responsesModels: [], chatModels: [] },
  userAliases: { u1: 'Ada', u2: 'Grace' },
  settings: {
    failover: { rules: [{ errorCodes: '401', actionChain: [{ action: 'failover' }] }] },
    loadBalance: { messages: 'random', responses: 'failover', chat: 'failover', search: 'failover' },
  },
  tenants: [{ id: 'acme', name: 'Acme', budgetMonthUsd: '12.50' }],
}
const secrets = ['sk-first-of-one', 'sk-second-of-one', OAUTH.refreshToken]

async function send(api: AdminApi, document: Json, query = ''): Promise<Json> {
  const { status, json, text } = await api.send('POST', `/api/config/import${query}`, { body: document })
  assert.equal(status, 200, text)
  return json
}

/** An export, without what is of its moment. */
async function exported(api: AdminApi): Promise<Json> {
  const { createdAt: _at, revision: _revision, ...document } = (await api.send('GET', '/api/config/export')).json
  return document
}

function keysOfOne({ channels }: Json): readonly unknown[] {
  const one = (channels as readonly Json[]).find(({ id }) => id === 'one') // safe: held against the document
  return one?.['encryptedKeys'] as readonly unknown[] // safe: or what is compared fails
}

async function startOn(t: TestContext, engine: TestDatabase['database']['engine']) {
  const store = await openDatabase(t, engine)
  return { store, api: await startAdminApi(t, store) }
}

testEngines('what is exported makes the same configuration on an empty database', async (t, store) => {
  const api = await startAdminApi(t, store)
  await send(api, byHand)
  const { text, headers, json } = await api.send('GET', '/api/config/export')
  assert.equal(headers.etag, `"${String(json['revision'])}"`)
  for (const secret of secrets) assert.ok(!text.includes(secret), secret)
  const other = await startOn(t, store.database.engine)
  const { changes, warnings } = await send(other.api, json)
  assert.deepEqual(warnings, ['The channel old (old) cannot serve: channels of the type gemini are not served.'])
  assert.deepEqual((changes as Json)['pricing'], { added: ['opus'], changed: [], removed: [] }) // safe: held against the document
  assert.deepEqual(await exported(other.api), await exported(api))
  const channels = await channelsIn(store.database).list()
  assert.deepEqual(await channelsIn(other.store.database).list(), channels)
  const one = channels.find(({ id }) => id === 'one')
  assert.deepEqual(
    one?.keys.map(({ secret }) => secret),
    ['sk-first-of-one-1234', 'sk-second-of-one-567'],
  )
  assert.equal(channels.find(({ id }) => id === 'two')?.oauth?.refreshToken, OAUTH.refreshToken)
  const lines = JSON.stringify(await api.audited())
  for (const secret of [...secrets, 'v1.']) assert.ok(!lines.includes(secret), secret)
})

testEngines(
  'an import replaces what it names, tells beforehand what it would do, and keeps the rest',
  async (t, store) => {
    const api = await startAdminApi(t, store)
    await send(api, byHand)
    const before = await exported(api)
    const nothing = { added: [], changed: [], removed: [] }
    const same = { channels: nothing, modelAliases: nothing, pricing: nothing, settings: nothing, tenants: nothing }
    // The same secrets once more are no change: their ids, previews and access tokens stay.
    assert.deepEqual((await send(api, byHand, '?dryRun=true'))['changes'], { ...same, userAliases: nothing })
    const next: Json = {
      version: 1,
      channels: [
        account('two', { name: 'one' }),
        account('one', { name: 'two', apiKeys: ['sk-second-of-one-567'] }),
        account('three'),
      ],
      userAliases: { u1: 'Grace', u2: 'Ada' },
      settings: {},
      tenants: [{ id: 'other', name: 'Other' }],
    }
    const changes = {
      ...same,
      channels: {
        added: [{ id: 'three', name: 'three' }],
        changed: [
          { id: 'two', name: 'one' },
          { id: 'one', name: 'two' },
        ],
        removed: [
          { id: 'both', name: 'both' },
          { id: 'old', name: 'old' },
        ],
      },
      userAliases: { ...nothing, changed: ['u1', 'u2'] },
      settings: { ...nothing, removed: ['failover', 'loadBalance'] },
      tenants: { ...nothing, added: [{ id: 'other', name: 'Other' }] },
    }
    const { etag = '' } = (await api.send('GET', '/api/config/revision')).headers
    assert.deepEqual((await send(api, next, '?dryRun=true'))['changes'], changes)
    assert.deepEqual(await exported(api), before)
    assert.equal((await api.send('GET', '/api/config/revision')).headers.etag, etag)
    assert.deepEqual((await send(api, next))['changes'], changes)
    const after = await exported(api)
    assert.deepEqual([after['pricing'], after['modelAliases']], [before['pricing'], before['modelAliases']])
    assert.equal((after['tenants'] as readonly Json[]).length, 2) // safe: held against the document
    assert.deepEqual(keysOfOne(after), keysOfOne(before).slice(1))
    const stale = await api.send('POST', '/api/config/import', { body: byHand, headers: { 'if-match': etag } })
    assert.deepEqual([stale.status, stale.json['code']], [409, 'revision_conflict'])
    const taken = { version: 1, channels: [], tenants: [{ id: 'third', name: 'Acme' }] }
    assert.equal((await api.send('POST', '/api/config/import', { body: taken })).status, 409)
    assert.deepEqual(await exported(api), after)
  },
)

testEngines(
  'a document that is wrong in one place is refused with the place, and changes nothing',
  async (t, store) => {
    const api = await startAdminApi(t, store)
    await send(api, byHand)
    const before = await exported(api)
    const key = { id: 'k1', sealed: 'v1.00000000.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA', preview: 'sk-***' }
    const keys = [{ ...key, createdAt: '2030-01-01T00:00:00Z' }]
    const looped = account('b', {
      serviceType: 'composite',
      baseUrl: '',
      compositeMappings: [{ pattern: 'x', targetChannelId: 'b' }],
    })
    const wrong: readonly (readonly [section: Json, field: string])[] = [
      [{ channels: [account('a'), account('b', { baseUrl: 'http://169.254.169.254/' })] }, 'channels.1.baseUrl'],
      [{ channels: [account('a', { baseUrl: api.url })] }, 'channels.0.baseUrl'],
      [{ channels: [looped] }, 'channels.0.compositeMappings'],
      [{ channels: [account('a'), account('a', { name: 'b' })] }, 'channels.1.id'],
      [{ channels: [account('a'), account('b', { name: 'a' })] }, 'channels.1.name'],
      [{ channels: [account('env-anthropic')] }, 'channels.0.id'],
      [
        { channels: [account('a', { encryptedKeys: keys }), account('b', { encryptedKeys: keys })] },
        'channels.1.encryptedKeys.0.id',
      ],
      [{ channels: [account('a', { headerPolicy: { set: { host: 'x' } } })] }, 'channels.0.headerPolicy.set.host'],
      [{ channels: [account('a', { apiKey: 'sk-x' })] }, 'channels.0.apiKey'],
      [{ pricing: { models: { a: { inputPrice: 1e-10, outputPrice: 1 } } } }, 'pricing.models.a.inputPrice'],
      [{ userAliases: { u1: 'Ada', u2: 'Ada' } }, 'userAliases.u2'],
      [{ settings: { failover: { rules: [{ errorCodes: '200', actionChain: [] }] } } }, 'settings.failover.rules'],
      [{ settings: { revision: 7 } }, 'settings.revision'],
      [
        {
          tenants: [
            { id: 'x', name: 'X' },
            { id: 'y', name: 'X' },
          ],
        },
        'tenants.1.name',
      ],
      [{ version: 2 }, 'version'],
      [{ keys: [] }, 'keys'],
    ]
    for (const [section, field] of wrong) {
      const body = { version: 1, channels: [], pricing: { models: {} }, ...section }
      const { status, json, text } = await api.send('POST', '/api/config/import', { body })
      const details = (json['details'] ?? []) as readonly { readonly field: string }[] // safe: held against the document
      assert.equal(status, 400, text)
      assert.ok(
        details.some((detail) => detail.field === field),
        `${field}: ${text}`,
      )
    }
    assert.deepEqual(await exported(api), before)
  },
)

testEngines(
  'a channel whose secrets cannot be decrypted here is there, cannot serve, and is named',
  async (t, store) => {
    const api = await startAdminApi(t, store)
    const foreign = await openDatabase(t, store.database.engine)
    await startAdminApi(t, foreign).then((other) => send(other, byHand))
    await channelsIn(foreign.database, createCipher([NEW_KEY])).keys.add('one', ['sk-third'], 0)
    const document = await exported(await startAdminApi(t, foreign))
    const { warnings } = await send(api, document)
    const keyId = createCipher([NEW_KEY]).currentKeyId
    assert.equal(
      (warnings as readonly string[]).find((warning) => warning.startsWith('The channel one')), // safe: held against the document
      `The channel one (one) cannot serve: secrets cannot be decrypted: the key ${keyId} is missing.`,
    )
    assert.deepEqual(await exported(api), document)
  },
)

testEngines('a backup is kept, shown, restored after a backup of what is there, and removed', async (t, store) => {
  const api = await startAdminApi(t, store)
  await send(api, byHand)
  const before = await exported(api)
  const made = await api.send('POST', '/api/config/backup', { body: { note: 'before the move' } })
  assert.equal(made.status, 201, made.text)
  const id = String(made.json['id'])
  const { createdAt: _at, revision: _revision, ...document } = (await api.send('GET', `/api/config/backups/${id}`)).json
  assert.deepEqual(document, before)
  const { etag = '' } = (await api.send('GET', '/api/config/revision')).headers
  await send(api, { version: 1, channels: [], userAliases: {}, settings: {} })
  const emptied = await exported(api)
  const stale = await api.send('POST', `/api/config/restore/${id}`, { headers: { 'if-match': etag } })
  assert.deepEqual([stale.status, await exported(api)], [409, emptied])
  const restored = await api.send('POST', `/api/config/restore/${id}`)
  assert.equal(restored.status, 200, restored.text)
  assert.deepEqual(await exported(api), before)
  const { backups } = (await api.send('GET', '/api/config/backups')).json
  const [own, first] = backups as readonly Json[] // safe: held against the document
  assert.deepEqual([own?.['id'], first?.['id']], [restored.json['backupId'], id])
  assert.deepEqual(
    [first?.['note'], first?.['createdBy'], first?.['size']],
    ['before the move', 'root', made.json['size']],
  )
  assert.equal((await api.send('POST', `/api/config/restore/${String(own?.['id'])}`)).status, 200)
  assert.deepEqual(await exported(api), emptied)
  assert.equal((await api.send('DELETE', `/api/config/backups/${id}`)).status, 200)
  for (const [method, path] of [
    ['DELETE', `backups/${id}`],
    ['GET', `backups/${id}`],
    ['POST', `restore/${id}`],
  ] as const) {
    assert.equal((await api.send(method, `/api/config/${path}`)).status, 404, path)
  }
})

test('of many backups the last 50 are kept', async (t) => {
  const { api, store } = await startOn(t, 'sqlite')
  for (let note = 1; note <= 51; note += 1) await api.send('POST', '/api/config/backup', { body: { note: `${note}` } })
  const notes = await store.query<{ readonly note: string }>('SELECT note FROM config_backups ORDER BY id')
  assert.deepEqual([notes.length, notes[0]?.note], [50, '2'])
})

test('every setting that can be set stands in the document', async (t) => {
  const { api, store } = await startOn(t, 'sqlite')
  for (const [path, byMethod] of Object.entries(api.document.paths)) {
    const { put } = byMethod
    if (put === undefined || !put.tags.includes('Settings')) continue
    const { json } = await api.send('GET', path)
    const { status, text } = await api.send('PUT', path, { body: json })
    assert.equal(status, 200, `${path}: ${text}`)
  }
  const names = await store.query<{ readonly name: string }>('SELECT name FROM settings ORDER BY name')
  const ours = new Set(['revision', 'revision_beside_keys', 'default_prices'])
  assert.deepEqual(
    names.map(({ name }) => name).filter((name) => !ours.has(name)),
    Object.values(settingKinds)
      .map(({ stored }) => stored)
      .toSorted(),
  )
})

test('a document may be larger than other bodies, up to 8 MiB', async (t) => {
  const { api } = await startOn(t, 'sqlite')
  const channels = Array.from({ length: 200 }, (_, at) =>
    account(`c${at}`, {
      description: 'x'.repeat(2000),
      models: Array.from({ length: 100 }, (_one, model) => `model-of-a-long-name-${model}-${'x'.repeat(60)}`),
    }),
  )
  const document = { version: 1, channels }
  assert.ok(JSON.stringify(document).length > 2 * 1024 * 1024)
  await send(api, document)
  const { status } = await api.send('POST', '/api/config/import', {
    body: { version: 1, note: 'x'.repeat(9 * 1024 * 1024) },
  })
  assert.equal(status, 413)
})
