import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig, variables } from '../proxy/config.ts'
import { errorCatalogue } from '../proxy/domain/errors.ts'
import { defaultOf, generate, metrics } from '../tools/generate.ts'
import { recordSchema, schemaFiles } from '../tools/schema-files.ts'
import { testEmpty } from './support/empty-database.ts'

const ROOT = new URL('..', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const names = Object.keys(variables.shape)

/** The rows of a document's tables, by their first cell. */
function rowsOf(path: string): ReadonlyMap<string, readonly string[]> {
  const rows = read(path)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '))
  return new Map(rows.map(([first = '', ...others]) => [first.replaceAll('`', ''), others]))
}

test('the generated tables are what npm run generate would write', () => {
  const fresh = generate()
  assert.ok(fresh.size > 0)
  for (const [path, text] of fresh) assert.equal(read(path), text, `${path} is stale: npm run generate`)
})

testEmpty('the committed schema is what the migrations make', async (_, empty) => {
  const path = schemaFiles[empty.engine]
  assert.equal(read(path), await recordSchema(await empty.open()), `${path} is stale: npm run generate`)
})

test('every error code is documented with its status and its message, and no other', () => {
  const rows = rowsOf('docs/errors.md')
  assert.deepEqual([...rows.keys()], Object.keys(errorCatalogue))
  for (const [code, [status]] of Object.entries(errorCatalogue)) assert.equal(rows.get(code)?.[0], String(status), code)
})

test('every variable is documented with its default and what it is for, and no other', () => {
  const rows = rowsOf('docs/configuration.md')
  assert.deepEqual([...rows.keys()], names)
  for (const name of names) {
    const [value, meaning = ''] = rows.get(name) ?? []
    assert.equal(value, defaultOf(name) === undefined ? '' : `\`${defaultOf(name)}\``, name)
    assert.match(meaning, /\w{3}/, `${name} says what it is for`)
  }
})

test('a default that is documented is the one that an unset variable has', () => {
  for (const name of names) {
    const value = defaultOf(name)
    if (value !== undefined) assert.deepEqual(readConfig({ [name]: value }), readConfig({}), name)
  }
})

test('every metric is documented with its labels, and no other', () => {
  const rows = rowsOf('docs/metrics.md')
  assert.deepEqual(
    [...rows.keys()],
    metrics().map(({ name }) => name),
  )
  assert.ok(rows.size > 10)
  const prose = read('docs/metrics.md').split('## Ours')[0] ?? ''
  for (const { name, labelNames, help } of metrics()) {
    assert.match(name, /^tollgate_[a-z]+(?:_[a-z]+)*$/)
    assert.match(help, /\.$/, name)
    for (const label of labelNames)
      assert.ok(prose.includes(`\`${label}\``), `the label ${label} of ${name} is explained`)
  }
})

test('no document speaks of a variable that does not exist', () => {
  // Not ours: they belong to systemd's exit statuses and to the documents that come from elsewhere.
  const foreign = new Set(['EX_CONFIG'])
  for (const path of ['docs/configuration.md', 'docs/errors.md', 'docs/metrics.md', 'README.md', '.env.example']) {
    if (!existsSync(join(ROOT, path))) continue
    const mentioned = read(path).matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g)
    for (const [, name = ''] of mentioned)
      assert.ok(names.includes(name) || foreign.has(name), `${path} speaks of ${name}`)
  }
})

test('.env.example names only variables that exist, with values that are good', () => {
  const pairs = [...read('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )
  assert.ok(pairs.length > 5)
  assert.deepEqual(
    pairs.map(([name]) => name).filter((name) => !names.includes(name)),
    [],
  )
  readConfig(Object.fromEntries(pairs))
})
