import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createHome } from '../../support/gateway.ts'
import { OLD_KEY } from '../../support/channels.ts'

const channel = { id: 'a-1', pool: 'messages', name: 'a', serviceType: 'claude', baseUrl: 'https://x.example' }

test('a document is imported after a look at what it would change, and exported without plain secrets', async (t) => {
  const home = await createHome({ ENCRYPTION_KEY: OLD_KEY.toString('hex') })
  t.after(() => home.remove())
  const [given, made] = [join(home.path, 'in.json'), join(home.path, 'out.json')]
  const document = { version: 1, channels: [{ ...channel, apiKeys: ['sk-plain-0123456789'] }], pricing: { models: {} } }
  writeFileSync(given, JSON.stringify(document))
  const rehearsed = await home.command(['config', 'import', given, '--dry-run'])
  assert.match(rehearsed.stdout, /^channels: 1 added, 0 changed, 0 removed\n[^]*\nNothing was written\.\n$/)
  assert.deepEqual(home.query('SELECT id FROM channels'), [])
  const { status, stderr } = await home.command(['config', 'import', given])
  assert.deepEqual([status, stderr], [0, ''])
  assert.equal((await home.command(['config', 'export', '--file', made])).status, 0)
  const text = readFileSync(made, 'utf8')
  assert.deepEqual([text.includes('sk-plain'), statSync(made).mode & 0o777], [false, 0o600])
  assert.match(text, /"id": "a-1"[^]*"encryptedKeys"/)
  writeFileSync(given, JSON.stringify({ version: 1, channels: [{ ...channel, baseUrl: 'ftp://x' }] }))
  const refused = await home.command(['config', 'import', given])
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /^This cannot be:\n {2}channels\.0\.baseUrl: /)
  assert.deepEqual(
    home
      .query('SELECT actor_id, actor, operation, target, error FROM audit_log ORDER BY id')
      .map((row) => ({ ...row })),
    [
      { actor_id: null, actor: 'cli', operation: 'importConfig', target: 'configuration', error: null },
      { actor_id: null, actor: 'cli', operation: 'importConfig', target: null, error: 'request_invalid' },
    ],
    'neither the rehearsal nor the export is',
  )
})
