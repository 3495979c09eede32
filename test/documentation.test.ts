import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { operatorVariables } from '../operator/config.ts'
import { readConfig, variables } from '../proxy/config.ts'
import { errorCatalogue } from '../proxy/domain/errors.ts'
import { formerVariables } from '../proxy/former-variables.ts'
import { defaultOf, generate, metrics } from '../tools/generate.ts'
import { recordSchema, schemaFiles } from '../tools/schema-files.ts'
import { testEmpty } from './support/empty-database.ts'

const ROOT = new URL('..', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const names = Object.keys(variables.shape)

/** The rows of a generated table, by their first cell. */
function rowsOf(path: string, name: string): ReadonlyMap<string, readonly string[]> {
  const [, after = ''] = read(path).split(`<!-- generated:${name} -->`)
  const [table = ''] = after.split('<!-- /generated -->')
  const rows = table
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
  const rows = rowsOf('docs/errors.md', 'errors')
  assert.deepEqual([...rows.keys()], Object.keys(errorCatalogue))
  for (const [code, [status]] of Object.entries(errorCatalogue)) assert.equal(rows.get(code)?.[0], String(status), code)
})

test('every variable is documented with its default and what it is for, and no other', () => {
  const rows = rowsOf('docs/configuration.md', 'variables')
  assert.deepEqual([...rows.keys()], names)
  for (const name of names) {
    const [value, meaning = ''] = rows.get(name) ?? []
    assert.equal(value, defaultOf(name) === undefined ? '' : `\`${defaultOf(name)}\``, name)
    assert.match(meaning, /\w{3}/, `${name} says what it is for`)
  }
})

test('every variable of the operator is documented, and no other', () => {
  const rows = rowsOf('docs/configuration.md', 'operator')
  assert.deepEqual([...rows.keys()], Object.keys(operatorVariables.shape))
  for (const [name, [, meaning = '']] of rows) assert.match(meaning, /\w{3}.*\.$/, name)
})

test('a default that is documented is the one that an unset variable has', () => {
  for (const name of names) {
    const value = defaultOf(name)
    if (value !== undefined) assert.deepEqual(readConfig({ [name]: value }), readConfig({}), name)
  }
})

test('every metric is documented with its labels, and no other', () => {
  const rows = rowsOf('docs/metrics.md', 'metrics')
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

/** Those of earlier systems have their table there. */
function isFormer(path: string, name: string): boolean {
  return path === 'docs/configuration.md' && formerVariables.some((row) => row.names.includes(name))
}

test('no document speaks of a variable that does not exist', () => {
  // Not ours: they belong to systemd's exit statuses, to the operator, and to the documents that come from elsewhere.
  const foreign = new Set(['EX_CONFIG', ...Object.keys(operatorVariables.shape)])
  for (const path of ['docs/configuration.md', 'docs/errors.md', 'docs/metrics.md', 'README.md', '.env.example']) {
    if (!existsSync(join(ROOT, path))) continue
    const ours = read(path).replace(/^## Coming from cc-bridge$[\s\S]*?(?=^## )/m, '') // names codes of that system
    const mentioned = ours.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`/g)
    for (const [, name = ''] of mentioned)
      assert.ok(names.includes(name) || foreign.has(name) || isFormer(path, name), `${path} speaks of ${name}`)
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

/** What a link to a heading ends in, as GitHub makes it. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = withoutCode(markdown).matchAll(/^#{1,6} +(.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, '')
}

test('every link from one document to another leads to a file, and to a heading of it', () => {
  let links = 0
  for (const path of globSync(['*.md', 'docs/**/*.md', 'charts/*/*.md'], { cwd: ROOT })) {
    for (const [, target = ''] of withoutCode(read(path)).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [file = '', anchor] = target.split('#')
      const linked = file === '' ? path : join(dirname(path), file)
      assert.ok(existsSync(join(ROOT, linked)), `${path} links to ${target}`)
      if (anchor !== undefined) assert.ok(anchorsOf(read(linked)).has(anchor), `${path} links to ${target}`)
      links += 1
    }
  }
  assert.ok(links > 50, `only ${links} links were seen`)
})
