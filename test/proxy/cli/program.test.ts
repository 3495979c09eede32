import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { version } from '../../../proxy/version.ts'
import { createHome, type Home } from '../../support/gateway.ts'

let home: Home

before(async () => {
  home = await createHome()
})
after(() => home.remove())

const OUTPUT = ['--json']
const CHANGE = ['--json', '--dry-run']

/** Every command, and what its help has to mention. */
const commands: Readonly<Record<string, readonly string[]>> = {
  '': ['serve', 'keys', 'channels', 'ledger', 'schema', 'health', '--version'],
  serve: ['docs/configuration.md'],
  keys: ['create', 'list', 'show', 'disable', 'enable', 'revoke', 'rotate'],
  'keys create': [
    '--name',
    '--token-limit',
    '--model',
    '--expires',
    '30d',
    'ISO 8601',
    '--rpm',
    '--allow-endpoint',
    '--admin',
    ...CHANGE,
  ],
  'keys list': ['--model', '--state', 'active', 'expired', '--limit', '--offset', ...OUTPUT],
  'keys show': ['<key>', ...OUTPUT],
  'keys disable': ['<key>', ...CHANGE],
  'keys enable': ['<key>', ...CHANGE],
  'keys revoke': ['<key>', ...CHANGE],
  'keys rotate': ['<key>', ...CHANGE],
  channels: ['list', 'show', 'create', 'set', 'enable', 'suspend', 'disable', 'resume', 'remove'],
  'channels list': ['--pool', 'messages', ...OUTPUT],
  'channels show': ['<channel>', ...OUTPUT],
  'channels create': ['--file', '--pool', '--type', 'claude', '--base-url', '--key-env', '--key-file', ...CHANGE],
  'channels set': ['<channel>', '--file', '--key-env', '--remove-key', '--models', '--rpm', ...CHANGE],
  'channels suspend': ['<channel>', ...CHANGE],
  'channels resume': ['<channel>', ...CHANGE],
  'channels remove': ['<channel>', ...CHANGE],
  config: ['export', 'import'],
  'config export': ['--file'],
  'config import': ['<file>', ...CHANGE],
  ledger: ['replay'],
  'ledger replay': ['[file]', ...CHANGE],
  schema: ['up', 'status'],
  'schema up': ['SKIP_MIGRATION', '--result', ...CHANGE],
  'schema status': ['--result', ...OUTPUT],
  health: ['--url', ...OUTPUT],
}

test('the help of every command tells what it takes, whatever the environment', async () => {
  const runs = Object.entries(commands).map(async ([command, mentioned]) => {
    const { status, stdout, stderr } = await home.command([...command.split(' ').filter(Boolean), '--help'], {
      PORT: 'x',
    })
    assert.deepEqual([status, stderr], [0, ''], command)
    assert.ok(stdout.startsWith(`Usage: tollgate ${command}`.trimEnd()), command)
    for (const word of mentioned)
      assert.ok(stdout.includes(word), `tollgate ${command} --help does not mention ${word}`)
  })
  await Promise.all(runs)
})

test('the version is that of the package', async () => {
  assert.equal((await home.cli(['--version'])).stdout, `${version}\n`)
})

test('wrong usage is exit status 2, and says how to get help', async () => {
  const wrong = [['paint'], ['keys'], ['serve', '--fast'], []].map(async (args) => {
    const { status, stderr } = await home.cli(args)
    assert.equal(status, 2, args.join(' '))
    assert.match(stderr, /--help|Usage: tollgate/)
  })
  await Promise.all(wrong)
})

test('a bad environment is exit status 78, and every problem is told at once', async () => {
  const bad = { PORT: '70000', LOG_LEVEL: 'loud', OPENAI_BASE_URL: 'api.openai.com', ADMIN_API_KEY: 'short' }
  for (const args of [['serve'], ['keys', 'list']]) {
    const { status, stdout, stderr } = await home.cli(args, bad)
    assert.equal(status, 78, args.join(' '))
    assert.equal(stdout, '')
    assert.match(stderr, /^The environment has 4 problem\(s\):$/m)
    for (const name of Object.keys(bad)) assert.match(stderr, new RegExp(`^  ${name}: `, 'm'))
    assert.doesNotMatch(stderr, /^\s+at /m)
    assert.doesNotMatch(stderr, /short/, 'a value may be a secret')
  }
  await assert.rejects(access(join(home.path, 'tollgate.db')), 'nothing was written')
})
