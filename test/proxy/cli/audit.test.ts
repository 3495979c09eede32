import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHome } from '../../support/gateway.ts'

interface Line {
  readonly actor_id: string | null
  readonly actor: string
  readonly operation: string
  readonly target: string
  readonly before: string | null
  readonly after: string | null
}

test('what the command line changes of keys, tenants and prices is in the audit log, and what it does not change is not', async (t) => {
  const home = await createHome()
  t.after(() => home.remove())
  const { id, key } = await home.createKey(['--name', 'alice', '--rpm', '60'])
  for (const command of [
    'keys set alice --rpm 90',
    'keys set alice --rpm 120 --dry-run',
    'keys rotate alice',
    'keys reset alice',
    'keys disable alice',
    'keys enable alice',
    'keys revoke alice',
    'keys list',
    'tenants create --name acme',
    'tenants set acme --name umbrella',
    'tenants reset umbrella',
    'tenants remove umbrella --dry-run',
    'tenants remove umbrella',
    'prices set glm-9 --input 1 --output 2',
    'prices set glm-9 --input 1 --output 3',
    'prices remove glm-9',
    'prices load-defaults --overwrite',
  ]) {
    const { status, stderr } = await home.command(command.split(' '))
    assert.equal(status, 0, `${command}: ${stderr}`)
  }
  assert.equal((await home.command(['keys', 'set', 'alice', '--rpm', '1'])).status, 1)

  const lines = home.query<Line>('SELECT * FROM audit_log ORDER BY id')
  assert.deepEqual(
    lines.map(({ operation }) => operation).join(' '),
    'createKey updateKey rotateKey resetKey disableKey enableKey revokeKey createTenant updateTenant resetTenant deleteTenant ' +
      'setPrice setPrice deletePrice loadDefaultPrices',
  )
  assert.ok(lines.every(({ actor, actor_id: actorId }) => actor === 'cli' && actorId === null))
  assert.ok(lines.slice(0, 7).every(({ target }) => target === id))
  assert.ok(!JSON.stringify(lines).includes(key), 'without the secret')
  const sides = lines.map(({ before, after }) => [JSON.parse(before ?? '{}'), JSON.parse(after ?? '{}')] as const)
  assert.deepEqual([sides[1]?.[0].rpm, sides[1]?.[1].rpm], [60, 90])
  assert.deepEqual([sides[6]?.[0].status, sides[6]?.[1].status], ['active', 'revoked'])
  assert.deepEqual([sides[8]?.[0].name, sides[8]?.[1].name], ['acme', 'umbrella'])
  assert.equal(sides[10]?.[0].name, 'umbrella')
  assert.deepEqual([sides[12]?.[0].outputPrice, sides[12]?.[1].outputPrice], [2, 3])
})
