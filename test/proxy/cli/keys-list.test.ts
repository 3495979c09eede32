import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { keyFields, markOf, type TestDatabase, testEngines } from '../../support/database.ts'
import { createHome, type Home } from '../../support/gateway.ts'
import { RECORD_OF_A } from '../../support/key-file.ts'

/** Besides key-1 to key-3, which have no model and no end. */
async function addKeys({ keys }: TestDatabase): Promise<void> {
  const past = Date.now() - 1000
  const future = Date.now() + 3_600_000
  await keys.create('key-4', keyFields({ name: 'glm', model: 'glm-4.7', expiresAt: future }), markOf('glm'), 0)
  await keys.create('key-5', keyFields({ name: 'old', model: 'glm-4.7', expiresAt: past }), markOf('old'), 0)
  await keys.create('key-6', keyFields({ name: 'older', expiresAt: past }), markOf('older'), 0)
  await keys.setStatus('key-2', 'disabled')
  await keys.setStatus('key-3', 'revoked')
}

const pages: Readonly<Record<string, readonly [args: readonly string[], ids: readonly string[], advice: string]>> = {
  'all keys, oldest first': [[], ['key-1', 'key-2', 'key-3', 'key-4', 'key-5', 'key-6'], ''],
  'those of a model': [['--model', 'glm-4.7'], ['key-4', 'key-5'], ''],
  'those that may be used: neither disabled nor revoked nor expired': [['--state', 'active'], ['key-1', 'key-4'], ''],
  'those whose time is over': [['--state', 'expired'], ['key-5', 'key-6'], ''],
  'those that are disabled': [['--state', 'disabled'], ['key-2'], ''],
  'those that were revoked': [['--state', 'revoked'], ['key-3'], ''],
  'those with a part of a name': [['--search', 'OLD'], ['key-5', 'key-6'], ''],
  'those of a model whose time is over': [['--model', 'glm-4.7', '--state', 'expired'], ['key-5'], ''],
  'a first page': [['--limit', '2'], ['key-1', 'key-2'], '2 of 6 keys; --offset shows more.\n'],
  'a last page': [['--limit', '4', '--offset', '4'], ['key-5', 'key-6'], ''],
  'a page of a selection': [['--state', 'active', '--offset', '1'], ['key-4'], ''],
}

testEngines('keys list selects and pages', async (t, store) => {
  await addKeys(store)
  const home = await homeOf(t, { [store.path.startsWith('postgres') ? 'DATABASE_URL' : 'DATABASE_PATH']: store.path })
  for (const [what, [args, ids, advice]] of Object.entries(pages)) {
    const json = await home.command(['keys', 'list', ...args, '--json'])
    assert.deepEqual([json.status, json.stderr], [0, ''], what)
    // safe: --json's contract
    const printed = JSON.parse(json.stdout) as { id: string; lifetimeTokens: number }[]
    assert.deepEqual(
      printed.map(({ id }) => id),
      ids,
      what,
    )
    if (!args.includes('--limit')) continue // a page for people is worth the process that it takes
    const table = await home.command(['keys', 'list', ...args])
    const [header, ...rows] = table.stdout.trimEnd().split('\n')
    assert.match(header ?? '', /^NAME .* ID$/)
    assert.deepEqual(
      rows.map((row) => row.split(/ +/).at(-1)),
      ids,
      what,
    )
    assert.deepEqual([table.status, table.stderr], [0, advice], what)
    assert.deepEqual(
      rows.map((row) => row.includes(' expired ')),
      ids.map((id) => ['key-5', 'key-6'].includes(id)),
      what,
    )
  }
  for (const [args, sentence] of [
    [['--model', 'nobody-has-it'], /^There are no such keys: tollgate keys create/],
    [['--offset', '6'], /^There are only 6 such keys\.$/m],
  ] as const) {
    assert.match((await home.command(['keys', 'list', ...args])).stdout, sentence)
    assert.equal((await home.command(['keys', 'list', ...args, '--json'])).stdout, '[]\n')
  }
})

test('what no page can be is wrong usage', async (t) => {
  const home = await homeOf(t)
  const wrong: Readonly<Record<string, readonly string[]>> = {
    '--limit': ['0', '-1', '1.5', 'many'],
    '--offset': ['-1', 'some'],
    '--state': ['gone'],
    '--model': [' '],
  }
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      const { status, stdout, stderr } = await home.command(['keys', 'list', `${option}=${value}`])
      assert.equal(status, 2, `${option}=${value}`)
      assert.equal(stdout, '')
      assert.ok(stderr.includes(option), stderr)
    }
  }
})

test('a key file has no commands for its keys: one sentence says what to do', async (t) => {
  const home = await homeOf(t)
  writeFileSync(join(home.path, 'apikeys.json'), JSON.stringify({ keys: [RECORD_OF_A] }))
  for (const args of [
    ['list'],
    ['show', 'alice'],
    ['create', '--name', 'bob'],
    ['revoke', 'alice'],
    ['rotate', 'alice'],
  ]) {
    const { status, stdout, stderr } = await home.command(['keys', ...args])
    assert.match(stderr, /^DATA_FILE: a key file has no such thing; [^\n]*\n$/, args[0])
    assert.deepEqual([status, stdout], [1, ''], args[0])
  }
})

async function homeOf(t: { after(work: () => unknown): void }, env = {}): Promise<Home> {
  const home = await createHome(env)
  t.after(() => home.remove())
  return home
}
