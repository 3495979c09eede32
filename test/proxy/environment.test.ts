import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createHome, startGateway } from '../support/gateway.ts'

const home = await createHome()
after(() => home.remove())

test('an environment that does not parse is told with all its problems at once, and ends with status 78', async () => {
  const wrong = {
    PORT: 'http',
    METRICS_PORT: '70000',
    ADMIN_API_KEY: 'short',
    ANTHROPIC_BASE_URL: 'not a url',
    OPENAI_BASE_URL: 'ftp://example.com',
    MAX_REQUEST_BODY_MB: '0',
    SPOOL_FSYNC: 'sometimes',
    WINDOW_COUNTS_CACHE_READS: 'perhaps',
    LEDGER_COMMIT_INTERVAL_MS: '1.5',
    LOG_LEVEL: 'loud',
  }
  const { status, stderr, stdout } = await home.cli(['serve'], wrong)
  assert.equal(status, 78)
  assert.equal(stdout, '')
  assert.match(stderr, /^The environment has 10 problem\(s\):\n/)
  for (const name of Object.keys(wrong)) assert.match(stderr, new RegExp(`^  ${name}: `, 'm'))
  assert.ok(!stderr.includes('    at '))
  assert.ok(!stderr.includes('short'))
})

test('every command needs a good environment', async () => {
  const { status, stderr } = await home.cli(['keys', 'list'], { PORT: '-1' })
  assert.equal(status, 78)
  assert.match(stderr, /^The environment has 1 problem\(s\):\n {2}PORT: /)
})

test('variables of an earlier system that do nothing are told once, by their names', async () => {
  const former = {
    PROXY_ACCESS_KEY: 'secret-of-before',
    ENABLE_WEB_UI: 'true',
    STORAGE_BACKEND: 'db.example',
    NODE_ENV: 'production',
  }
  const gateway = await startGateway(home, former)
  await gateway.stop()
  const told = gateway.log.filter(({ msg }) => msg.includes('earlier system'))
  assert.deepEqual(
    told.map(({ level, variables }) => [level, variables]),
    [[40, ['PROXY_ACCESS_KEY (now ADMIN_API_KEY)', 'STORAGE_BACKEND (now STORAGE_TYPE)', 'ENABLE_WEB_UI']]],
  )
  assert.doesNotMatch(JSON.stringify(gateway.log) + gateway.stderr(), /secret-of-before|db\.example/)
})
