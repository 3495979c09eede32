import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadEnvironment, readConfig, variables } from '../../proxy/config.ts'

/** The sentence in which the environment is refused. */
function problem(env: Readonly<Record<string, string>>): string {
  try {
    readConfig(env)
  } catch (error) {
    assert.ok(error instanceof BadEnvironment)
    return error.message
  }
  assert.fail(`accepted: ${JSON.stringify(env)}`)
}

test('an empty environment is a good one', () => {
  const config = readConfig({})
  assert.equal(config.PORT, 3000)
  assert.equal(config.DATA_DIR, './data')
  assert.equal(config.METRICS_PORT, undefined)
  assert.equal(config.OPENAI_API_KEY, undefined)
})

test('an empty or blank variable is one that is not set', () => {
  const all = Object.keys(variables.shape)
  for (const blank of ['', ' ', '\t\n']) {
    const config = readConfig(Object.fromEntries(all.map((name) => [name, blank])))
    assert.deepEqual(JSON.parse(JSON.stringify(config)), JSON.parse(JSON.stringify(readConfig({}))))
  }
})

test('space around a value does not count: a key from a file ends with a line break', () => {
  const config = readConfig({ ANTHROPIC_API_KEY: 'sk-ant-1\n', PORT: ' 8080 ', ADMIN_API_KEY: `${'a'.repeat(16)}\r\n` })
  assert.deepEqual([config.ANTHROPIC_API_KEY, config.PORT, config.ADMIN_API_KEY], ['sk-ant-1', 8080, 'a'.repeat(16)])
})

test('variables that are not ours are passed over', () => {
  assert.deepEqual(readConfig({ HOME: '/root', PORTS: '1' }), readConfig({}))
})

test('a configuration cannot be changed', () => {
  assert.ok(Object.isFrozen(readConfig({})))
})

const wrong: readonly (readonly [name: string, value: string])[] = [
  ['PORT', 'http'],
  ['PORT', '-1'],
  ['PORT', '65536'],
  ['PORT', '80.5'],
  ['METRICS_PORT', 'x'],
  ['ADMIN_API_KEY', 'x'.repeat(15)],
  ['ADMIN_API_KEY', 'with a space in it'],
  ['ADMIN_API_KEY', 'x'.repeat(513)],
  ['ANTHROPIC_API_KEY', 'two words'],
  ['OPENAI_API_KEY', 'sk-ü'],
  ['ZAI_API_KEY', 'a\nb'],
  ['OPENAI_BASE_URL', 'api.openai.com/v1'],
  ['ANTHROPIC_BASE_URL', 'file:///etc/passwd'],
  ['ZAI_API_BASE', '/v1'],
  ['ANTHROPIC_BASE_URL', 'https://user:secret@api.example'],
  ['ANTHROPIC_BASE_URL', 'https://user@api.example'],
  ['OPENAI_BASE_URL', 'https://api.example/v1?api-version=1'],
  ['ZAI_ANTHROPIC_BASE', 'https://api.example/v1#here'],
  ['CORS_ORIGIN', 'app.example'],
  ['CORS_ORIGIN', 'null'],
  ['CORS_ORIGIN', 'file:///srv'],
  ['CORS_ORIGIN', 'https://app.example/path'],
  ['CORS_ORIGIN', 'https://*.example'],
  ['CORS_ORIGIN', 'https://a.example, https://b.example'],
  ['CORS_ORIGIN', 'https://a.example,https://b.example'],
  ['CORS_ORIGIN', 'https://a.example\r\nx: y'],
  ['TRUSTED_PROXIES', 'load-balancer'],
  ['TRUSTED_PROXIES', '10.0.0.0/33'],
  ['TRUSTED_PROXIES', '10.0.0.0/'],
  ['TRUSTED_PROXIES', '10.0.0.0/8/8'],
  ['TRUSTED_PROXIES', '10.0.0.0/-1'],
  ['TRUSTED_PROXIES', '10.0.0/8'],
  ['TRUSTED_PROXIES', '10.0.0.1, ::1/129'],
  ['TRUSTED_PROXIES', 'fe80::1%eth0'],
  ['TRUSTED_PROXIES', '10.0.0.1 10.0.0.2'],
  ['AUTH_GUARD_ENABLED', 'on'],
  ['SPOOL_FSYNC', 'sometimes'],
  ['SPOOL_MAX_BYTES', '1000'],
  ['LOG_RETENTION_DAYS', '0'],
  ['WINDOW_COUNTS_CACHE_READS', 'yes'],
  ['MAX_REQUEST_BODY_MB', '0'],
  ['MAX_REQUEST_BODY_MB', '1e999'],
  ['CONFIG_POLL_INTERVAL_MS', '1'],
  ['LOG_LEVEL', 'verbose'],
]

for (const [name, value] of wrong) {
  test(`${name}=${JSON.stringify(value.slice(0, 20))} is refused, by its name and without its value`, () => {
    const message = problem({ [name]: value })
    assert.match(message, new RegExp(`^The environment has 1 problem\\(s\\):\n  ${name}: `))
    if (name.endsWith('_KEY')) assert.ok(!message.includes(value))
  })
}

test('all problems are told at once', () => {
  const message = problem({ PORT: 'x', LOG_LEVEL: 'loud', ZAI_API_BASE: 'z.ai', MAX_BUFFERED_MB: 'much' })
  assert.match(message, /4 problem/)
  for (const name of ['PORT', 'LOG_LEVEL', 'ZAI_API_BASE', 'MAX_BUFFERED_MB'])
    assert.match(message, new RegExp(`  ${name}:`))
})

test('no time is longer than a timer can be set for: it would go off at once', () => {
  for (const name of Object.keys(variables.shape).filter((each) => each.endsWith('_MS'))) {
    assert.match(problem({ [name]: '2147483648' }), new RegExp(name))
  }
  assert.equal(readConfig({ SHUTDOWN_GRACE_MS: '2147483647' }).SHUTDOWN_GRACE_MS, 2_147_483_647)
})

test('sizes in MB are bytes inside', () => {
  assert.equal(readConfig({ MAX_REQUEST_BODY_MB: '2' }).MAX_REQUEST_BODY_MB, 2 * 1024 * 1024)
})

test('an origin is written as browsers write it', () => {
  const read = (value: string): string => readConfig({ CORS_ORIGIN: value }).CORS_ORIGIN
  assert.deepEqual(['*', 'https://App.Example:443/', 'http://localhost:8080'].map(read), [
    '*',
    'https://app.example',
    'http://localhost:8080',
  ])
})

test('a flag is true, false, 1 or 0', () => {
  const read = (value: string): boolean => readConfig({ WINDOW_COUNTS_CACHE_READS: value }).WINDOW_COUNTS_CACHE_READS
  assert.deepEqual(['true', '1', 'false', '0'].map(read), [true, true, false, false])
})

test('paths that are passed through may be written with or without /v1/', () => {
  const read = (value: string): readonly string[] => readConfig({ PASSTHROUGH_PATHS: value }).PASSTHROUGH_PATHS
  assert.deepEqual(read('/v1/embeddings, images/*,v1/rerank ,/audio/*,,'), [
    'embeddings',
    'images/*',
    'rerank',
    'audio/*',
  ])
  assert.deepEqual(read(','), [])
})

test('trusted proxies are addresses and ranges, IPv4 and IPv6', () => {
  const read = (value: string): unknown => readConfig({ TRUSTED_PROXIES: value }).TRUSTED_PROXIES
  assert.deepEqual(read('10.0.0.0/8, 192.0.2.1,2001:db8::/32 ,::1,0.0.0.0/0,'), [
    '10.0.0.0/8',
    '192.0.2.1',
    '2001:db8::/32',
    '::1',
    '0.0.0.0/0',
  ])
  assert.deepEqual(readConfig({}).TRUSTED_PROXIES, [])
})

const parts = { DB_HOST: 'db.llm', DB_USER: 'gate', DB_PASSWORD: 'p/a@s:s%?', DB_NAME: 'toll gate' }
const composed: readonly (readonly [what: string, env: Readonly<Record<string, string>>, url: string | undefined])[] = [
  ['its parts, encoded', parts, 'postgres://gate:p%2Fa%40s%3As%25%3F@db.llm:5432/toll%20gate'],
  ['a port of its own', { ...parts, DB_PORT: '6432' }, 'postgres://gate:p%2Fa%40s%3As%25%3F@db.llm:6432/toll%20gate'],
  ['an address', { DB_HOST: '::1', DB_USER: 'gate', DB_NAME: 'x' }, 'postgres://gate@[::1]:5432/x'],
  ['the URL, which goes before', { ...parts, DATABASE_URL: 'postgres://a@b/c' }, 'postgres://a@b/c'],
  ['nothing without a host', { DB_PORT: 'tcp://10.0.0.1:5432', DB_USER: 'gate' }, undefined],
]
for (const [what, env, url] of composed) {
  test(`the database is where the environment says: ${what}`, () => assert.equal(readConfig(env).DATABASE_URL, url))
}

test('parts of a URL that make none are told, but not the password', () => {
  const told = problem({ DB_HOST: 'db/x', DB_PORT: 'tcp://10.0.0.1:5432', DB_PASSWORD: 'p4ssword', LOG_LEVEL: 'loud' })
  assert.match(told, /has 5 problem\(s\)/)
  for (const name of ['DB_HOST', 'DB_PORT', 'DB_USER', 'DB_NAME', 'LOG_LEVEL'])
    assert.match(told, new RegExp(`  ${name}: `))
  assert.doesNotMatch(told, /p4ssword/)
})
