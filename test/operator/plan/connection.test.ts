import assert from 'node:assert/strict'
import { test } from 'node:test'
import { databaseIdentity, findConnection } from '../../../operator/plan/connection.ts'

const parts = ['host', 'port', 'username', 'password', 'dbname']

const cases: readonly (readonly [what: string, given: readonly string[], names: object, found: object | string])[] = [
  ['the URL before its parts', ['uri', ...parts], {}, { DATABASE_URL: 'uri' }],
  ['a URL called url', ['url'], {}, { DATABASE_URL: 'url' }],
  ['a URL by a name of its own', ['dsn', 'uri'], { uri: 'dsn' }, { DATABASE_URL: 'dsn' }],
  [
    'the parts',
    parts,
    {},
    { DB_HOST: 'host', DB_PORT: 'port', DB_USER: 'username', DB_PASSWORD: 'password', DB_NAME: 'dbname' },
  ],
  [
    'parts without a port',
    ['host', 'user', 'password', 'dbname'],
    {},
    { DB_HOST: 'host', DB_USER: 'user', DB_PASSWORD: 'password', DB_NAME: 'dbname' },
  ],
  ['nothing', [], {}, 'uri'],
  ['no password', ['host', 'user', 'dbname'], {}, 'password'],
  ['no user of that name', parts, { user: 'owner' }, 'owner'],
]

for (const [what, given, names, found] of cases) {
  test(`of a Secret with ${what} it is known what to take`, () => {
    const answer = findConnection('db', new Set(given), names)
    assert.deepEqual(answer.kind === 'found' ? answer.connection.keys : answer.key, found)
  })
}

test('a database is the same whoever connects to it, and however its Secret is written', () => {
  const ofUrl = (url: string, schema?: string): string | undefined =>
    databaseIdentity({ secretName: 'db', keys: { DATABASE_URL: 'uri' } }, () => url, schema)
  const keys = { DB_HOST: 'host', DB_USER: 'user', DB_PASSWORD: 'password', DB_NAME: 'dbname' }
  const values: Readonly<Record<string, string>> = { host: 'db.llm', user: 'x', password: 'y', dbname: 'tollgate' }
  const one = ofUrl('postgres://a:b@db.llm/tollgate')
  assert.equal(ofUrl('postgresql://c:d@db.llm:5432/tollgate\n'), one)
  assert.equal(
    databaseIdentity({ secretName: 'db', keys }, (key) => values[key], undefined),
    one,
  )
  assert.notEqual(ofUrl('postgres://a:b@db.llm/other'), one)
  assert.notEqual(ofUrl('postgres://a:b@db.llm/tollgate', 'own'), one)
  assert.equal(ofUrl('no URL'), undefined)
})
