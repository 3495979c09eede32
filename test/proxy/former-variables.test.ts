import assert from 'node:assert/strict'
import { test } from 'node:test'
import { variables } from '../../proxy/config.ts'
import { formerVariables, ignoredVariables } from '../../proxy/former-variables.ts'

const known = new Set(Object.keys(variables.shape))

test('a former variable is honoured if and only if the gateway has it, and one with a new name leads to one that it has', () => {
  for (const { names, standing } of formerVariables) {
    for (const name of names) assert.equal(known.has(name), standing === 'honoured', name)
    if (typeof standing === 'object') assert.ok(known.has(standing.renamed), standing.renamed)
  }
  const all = formerVariables.flatMap(({ names }) => names)
  assert.equal(new Set(all).size, all.length, 'each is told once')
})

const cases: Readonly<Record<string, readonly [env: Record<string, string | undefined>, told: readonly string[]]>> = {
  'what is honoured': [{ ZAI_API_KEY: 'x', DATABASE_URL: 'postgres://a/b', PORT: '1', LOG_LEVEL: 'info' }, []],
  'what every environment may have': [{ NODE_ENV: 'production', ENV: 'x', HOME: '/' }, []],
  'what is no longer needed': [{ LOG_DIR: 'logs', CACHE_ENABLED: 'false' }, ['CACHE_ENABLED', 'LOG_DIR']],
  'what was renamed': [{ CONFIG_POLL_INTERVAL: '5' }, ['CONFIG_POLL_INTERVAL (now CONFIG_POLL_INTERVAL_MS)']],
  'what was renamed, beside its new name': [{ PROXY_ACCESS_KEY: 'x', ADMIN_API_KEY: 'x' }, []],
  'what was renamed, beside an empty new name': [
    { PROXY_ACCESS_KEY: 'x', ADMIN_API_KEY: ' ' },
    ['PROXY_ACCESS_KEY (now ADMIN_API_KEY)'],
  ],
  'what is empty': [{ PROXY_ACCESS_KEY: '', ENABLE_WEB_UI: ' ' }, []],
}

for (const [what, [env, told]] of Object.entries(cases)) {
  test(`of variables of earlier systems: ${what}`, () => assert.deepEqual(ignoredVariables(env), told))
}
