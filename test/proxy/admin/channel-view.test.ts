import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelChangesBody } from '../../../proxy/admin/channel-schema.ts'
import { changed, changesOf, fieldsOf, PLAIN } from '../../../proxy/admin/channel-view.ts'

const view = changed(PLAIN, { name: 'one', serviceType: 'claude', baseUrl: 'https://api.example' })

test('what a change does not name is left to whoever changes it at the same time', () => {
  const bodies: readonly (readonly [body: ChannelChangesBody, fields: readonly string[]])[] = [
    [{}, []],
    [{ name: 'two', models: [] }, ['name', 'models']],
    [{ keyLoadBalance: null }, ['keyBalance']],
    [{ quotaLimit: 5, quotaModels: [] }, ['quota']],
    [{ rateLimitRpm: 0 }, ['rpm']],
    [{ queueEnabled: false }, ['queue']],
    [{ idleTimeout: 1, connectTimeout: 1 }, ['timeouts']],
    [{ insecureSkipVerify: true, tlsAuthorities: null }, ['tls']],
    [{ oauth: null }, ['oauth']],
  ]
  for (const [body, fields] of bodies) {
    assert.deepEqual(Object.keys(changesOf(body, fieldsOf(changed(view, body)))), fields)
  }
})

test('a refresh token comes without what it will be exchanged for', () => {
  const oauth = { tokenUrl: 'https://auth.example', clientId: 'c', clientSecret: null, scope: null, refreshToken: 'r' }
  assert.deepEqual(changesOf({ oauth }, fieldsOf(view)), { oauth: { ...oauth, accessToken: null, expiresAt: null } })
})
