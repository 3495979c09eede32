import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Certificate, createCertificate } from '../support/certificate.ts'
import { createHome, type Env, until } from '../support/gateway.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { startSite } from '../support/replicas.ts'

let certificate: Certificate
let other: Certificate
let server: PostgresServer
let url: string
before(async () => {
  certificate = await createCertificate()
  other = await createCertificate()
  server = await startPostgres({
    listen_addresses: '127.0.0.1,127.0.0.2',
    ssl: 'on',
    ssl_cert_file: certificate.certificateFile,
    ssl_key_file: certificate.keyFile,
  })
  url = await server.createDatabase()
})
after(async () => {
  await server.close()
  await certificate.remove()
  await other.remove()
})

/** The URL with another host name for the same server. */
function at(host: string, query = ''): string {
  const changed = new URL(url)
  changed.hostname = host
  changed.search = query
  return changed.href
}

test('the pool and the listener are encrypted, as DB_SSLMODE or the URL says', async (t) => {
  const site = await startSite(t, url)
  const ways: readonly (readonly [string, () => Env])[] = [
    [
      'require, which wins over the URL',
      () => ({ DATABASE_URL: at('127.0.0.1', 'sslmode=disable'), DB_SSLMODE: 'require' }),
    ],
    ['verify-ca', () => ({ DATABASE_URL: at('127.0.0.1', 'sslmode=verify-ca'), DB_SSLROOTCERT: certificate.caFile })],
    [
      'verify-full by name',
      () => ({ DATABASE_URL: at('localhost'), DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: certificate.caFile }),
    ],
    [
      'verify-full by address',
      () => ({ DATABASE_URL: at('127.0.0.1', 'sslmode=verify-full'), DB_SSLROOTCERT: certificate.caFile }),
    ],
  ]
  for (const [place, [way, env]] of ways.entries()) {
    const name = `tls-${place}`
    const replica = await site.startReady({ ...env(), DB_APPLICATION_NAME: name })
    const { key } = await site.createKey()
    assert.equal((await replica.call(key)).status, 200)
    const connections = await until('the gateway listens', async () => {
      const kinds = await site.query<{ ssl: boolean; listens: boolean }>(
        `SELECT DISTINCT ssl, application_name = $2 AS listens
         FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name IN ($1, $2)`,
        name,
        `${name} (listens)`,
      )
      return kinds.some(({ listens }) => listens) && kinds.some(({ listens }) => !listens) && kinds
    })
    assert.ok(
      connections.every(({ ssl }) => ssl),
      way,
    )
    assert.equal(await replica.stop(), 0)
  }
  await site.expectExactLedger()
})

const refused: Readonly<Record<string, readonly [() => Env, RegExp]>> = {
  'a server with another name': [
    () => ({ DATABASE_URL: at('127.0.0.2'), DB_SSLMODE: 'verify-full', DB_SSLROOTCERT: certificate.caFile }),
    /certificate/,
  ],
  'a server of another authority': [() => ({ DB_SSLMODE: 'verify-ca', DB_SSLROOTCERT: other.caFile }), /certificate/],
  'a server that no authority of the system knows': [() => ({ DB_SSLMODE: 'verify-full' }), /certificate/],
  'a file of authorities that is not there': [
    () => ({ DB_SSLMODE: 'verify-ca', DB_SSLROOTCERT: '/nowhere/ca.pem' }),
    /^DB_SSLROOTCERT: .*\/nowhere\/ca\.pem/,
  ],
  'a file of authorities that holds none': [
    () => ({ DB_SSLMODE: 'verify-ca', DB_SSLROOTCERT: certificate.keyFile }),
    /^DB_SSLROOTCERT: /,
  ],
}

for (const [what, [env, pattern]] of Object.entries(refused)) {
  test(`${what} is refused in one sentence`, async (t) => {
    const home = await createHome({ DATABASE_URL: url, DATABASE_STARTUP_RETRIES: '0', PORT: '0', ...env() })
    t.after(() => home.remove())
    const { status, stdout, stderr } = await home.cli(['serve'])
    assert.equal(status, 1)
    assert.match(stderr, /^(?:DATABASE_URL|DB_SSLROOTCERT): [^\n]+\n$/)
    assert.match(stderr, pattern)
    assert.ok(!`${stdout}${stderr}`.includes(server.password))
  })
}

test('a server without TLS is refused where TLS is asked for', async (t) => {
  const plain = await startPostgres()
  t.after(() => plain.close())
  const home = await createHome({
    DATABASE_URL: plain.url('postgres'),
    DB_SSLMODE: 'require',
    DATABASE_STARTUP_RETRIES: '0',
  })
  t.after(() => home.remove())
  const { status, stderr } = await home.cli(['serve'], { PORT: '0' })
  assert.equal(status, 1)
  assert.match(stderr, /^DATABASE_URL: [^\n]*SSL[^\n]*\n$/)
})
