import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ImageRuns, openImage } from '../../cluster/container.ts'
import { buildah, buildImage } from '../../cluster/images.ts'
import { defaultText, startFakeUpstream } from '../../support/fake-upstream.ts'
import { freePort } from '../../support/free-port.ts'
import { until, upstreamEnv } from '../../support/gateway.ts'

const ROOT = new URL('../../..', import.meta.url).pathname
const TAG = 'localhost/tollgate:test'
const MAX_MB = 450

// safe: our own package.json
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
}
let image: ImageRuns

before(async () => {
  await buildImage(TAG, ROOT, '--format=docker') // OCI's has no place for a health check
  image = await openImage(TAG)
})
after(() => image.close())

test('the image says what it is and how it is run, and is small', async () => {
  const { User, Entrypoint, Cmd, Volumes, Healthcheck, Labels } = image.config
  assert.deepEqual(
    { User, Entrypoint, Cmd, Volumes: Object.keys(Volumes), Healthcheck: Healthcheck.Test },
    {
      User: '10001:10001',
      Entrypoint: ['tollgate'],
      Cmd: ['serve'],
      Volumes: ['/data'],
      Healthcheck: ['CMD', 'tollgate', 'health'],
    },
  )
  assert.equal(Labels['org.opencontainers.image.version'], manifest.version, 'VERSION of the Dockerfile is stale')
  const [size = ''] = (await buildah('images', '--format={{.Size}}', TAG)).split('\n') // a line for each of its names
  const [, megabytes] = /^([\d.]+) MB$/.exec(size) ?? []
  assert.ok(Number(megabytes) < MAX_MB, `it has ${size}`)
})

test('nothing is in the image that only developers need, and no secret', () => {
  const { root } = image
  assert.deepEqual(
    Object.keys(manifest.devDependencies).filter((name) => existsSync(join(root, 'app/node_modules', name))),
    [],
  )
  assert.deepEqual(globSync('app/**/*.ts', { cwd: root }), [], 'all of it is compiled')
  assert.deepEqual(
    globSync(['app/{.git,.env,test,bench,docs,data}', 'root/.*', 'usr/local/bin/npm', 'var/lib/apt/lists/*'], {
      cwd: root,
    }).filter((path) => !['root/.bashrc', 'root/.profile'].includes(path)),
    [],
  )
  assert.deepEqual(globSync(['etc/ssl/private/*', 'etc/**/*.key', 'app/*.{key,pem}', 'data/*'], { cwd: root }), [])
})

test('every program starts as the user of the image on a read-only root', async () => {
  const says = async (...command: readonly string[]): Promise<string> => (await image.run(command)).trim()
  assert.equal(await says('id', '-u'), '10001')
  assert.equal(await says('tollgate', '--version'), manifest.version)
  assert.match(await says('pg_dump', '--version'), /^pg_dump \(PostgreSQL\) 17\./)
  assert.match(await says('psql', '--version'), /^psql \(PostgreSQL\) 17\./)
  assert.match(await says('postgres', '--version'), /^postgres \(PostgreSQL\) 17\./)
  await assert.rejects(says('touch', '/app/file'), /Read-only file system/)
})

test('a PostgreSQL of its own runs in /tmp, for looking into a backup', async () => {
  const script = `initdb -D /tmp/server -A trust --no-sync > /tmp/log
    pg_ctl -D /tmp/server -o "-k /tmp -h ''" -w -l /tmp/log start >> /tmp/log
    psql -h /tmp -d postgres -XAtc "SELECT sum(n) FROM generate_series(1, 100000) n"
    pg_dump -h /tmp -d postgres > /tmp/dump
    pg_ctl -D /tmp/server -w -m fast stop >> /tmp/log`
  // All of its costs are above those for which a query is compiled: without the JIT's libraries it has to work, too.
  assert.equal(await image.run(['sh', '-ec', script], { PGOPTIONS: '-c jit_above_cost=0' }), '5000050000\n')
})

test('the gateway serves from /data, is healthy, and ends with status 0 when it is told to', async (t) => {
  const upstream = await startFakeUpstream()
  t.after(() => upstream.close())
  const made = await image.run(['tollgate', 'keys', 'create', '--name', 'alice', '--json'])
  const { key } = JSON.parse(made) as { readonly key: string } // safe: --json's contract
  const port = await freePort()
  const env = { ...upstreamEnv(upstream.url), PORT: `${port}`, HOST: '127.0.0.1' }
  const { Entrypoint, Cmd, Healthcheck } = image.config
  const gateway = await image.start([...Entrypoint, ...Cmd], env)
  const exited = once(gateway.process, 'exit')
  const check = Healthcheck.Test.slice(1)
  await until('the health check is content', () => gateway.exec(check).catch(() => undefined), 180_000)

  const url = `http://127.0.0.1:${port}`
  assert.equal((await fetch(`${url}/health`)).status, 200)
  const answer = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-fake', max_tokens: 10, messages: [{ role: 'user', content: 'hello' }] }),
  })
  assert.equal(answer.status, 200)
  assert.ok((await answer.text()).includes(defaultText))

  gateway.process.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
  const shown = await image.run(['tollgate', 'keys', 'show', 'alice', '--json'])
  assert.match(shown, /"lifetimeTokens": ?75\b/, 'the call was written down')
})
