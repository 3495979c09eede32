import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { startFakeUpstream } from '../../support/fake-upstream.ts'
import { createHome, type Env, type Home, startGateway, until } from '../../support/gateway.ts'
import { RECORD_OF_A } from '../../support/key-file.ts'
import { freshDatabase } from '../../support/postgres.ts'

interface Shown {
  readonly id: string
  readonly maskedKeys: readonly { readonly id: string; readonly masked: string }[]
  readonly [field: string]: unknown
}

const FIRST = 'sk-ant-the-first-account-0001'
const SECOND = 'sk-ant-the-second-account-0002'
const env: Env = { ENCRYPTION_KEY: '01'.repeat(32), FIRST_KEY: ` ${FIRST}\n`, SECOND_KEY: SECOND, NO_KEY: ' ' }
const homes: Home[] = []
after(() => Promise.all(homes.map((home) => home.remove())))

async function newHome(more: Env = {}): Promise<Home> {
  const home = await createHome({ ...env, ...more })
  homes.push(home)
  return home
}

/** What commands print, where they have to succeed. Nothing that is printed holds a key. */
async function says(home: Home, ...all: readonly string[]): Promise<readonly string[]> {
  const ended = await Promise.all(all.map((args) => home.command(['channels', ...args.split(' ')])))
  for (const [at, { status, stdout, stderr }] of ended.entries()) {
    assert.deepEqual([status, stderr], [0, ''], all[at])
    assert.doesNotMatch(stdout, /sk-ant-the-(?:first|second)-account/)
  }
  return ended.map(({ stdout }) => stdout)
}

function parsed(stdout = ''): Shown {
  return JSON.parse(stdout) as Shown // safe: --json's contract
}

const CLAUDE = '--pool messages --type claude --base-url https://api.anthropic.com'

test('a channel is made of options, with its keys from variables and standard input, and shown without them', async () => {
  const home = await newHome({ OPENAI_API_KEY: 'sk-of-the-environment' })
  const options = '--key-env FIRST_KEY --key-file - --models claude-* !claude-opus-* --rpm 60 --priority 3'
  const made = await home.cli(
    `channels create ${CLAUDE}/ --name main ${options} --key-balance random`.split(' '),
    {},
    `${SECOND}\n\n${FIRST}\n`,
  )
  const [, id = ''] = /^The channel main was made: ([0-9a-f]{8})\n$/.exec(made.stdout) ?? []
  const [byName, byId, details, table, listed] = await says(
    home,
    'show main --json',
    `show ${id} --json`,
    'show main',
    'list',
    'list --pool responses --json',
  )
  assert.equal(byName, byId)
  const { maskedKeys, ...shown } = parsed(byName)
  assert.deepEqual(
    maskedKeys.map(({ masked }) => masked),
    ['sk-ant-t***0001', 'sk-ant-t***0002'],
    'each key once, in their order',
  )
  const expected = {
    id,
    index: 0,
    pool: 'messages',
    name: 'main',
    serviceType: 'claude',
    priority: 3,
    rateLimitRpm: 60,
  }
  const others = {
    baseUrl: 'https://api.anthropic.com',
    models: ['claude-*', '!claude-opus-*'],
    keyLoadBalance: 'random',
  }
  assert.deepEqual({ ...shown, ...expected, ...others }, shown)
  assert.match(details ?? '', /^models +claude-\* !claude-opus-\*$/m)
  assert.match(details ?? '', /^key +sk-ant-t\*\*\*0002 \w{26}$/m)
  const [header, first, second, third] = (table ?? '').split('\n')
  assert.match(header ?? '', /^POOL +NAME .* ID$/)
  assert.match(first ?? '', /^messages +main +claude +active +3 +2 +claude-\* !claude-opus-\* +https:.* [0-9a-f]{8}$/)
  assert.match(second ?? '', /^chat +openai .* env-openai-chat$/)
  assert.match(third ?? '', /^responses /)
  assert.match(listed ?? '', /^\[\n {2}\{\n {4}"index": 0,\n {4}"id": "env-openai-responses"/)
})

test("a channel is made and changed by the admin API's document, over which the options win", async () => {
  const home = await newHome()
  const mapping = { modelMapping: { claude: 'glm-4.7' }, quotaType: 'credit', quotaLimit: 50 }
  const document = { pool: 'messages', name: 'x', serviceType: 'claude', baseUrl: 'https://api.example', ...mapping }
  writeFileSync(join(home.path, 'channel.json'), JSON.stringify({ ...document, apiKeys: [FIRST] }))
  writeFileSync(join(home.path, 'changes.json'), '{"quotaLimit": 60, "idleTimeout": 5}')
  const [created, changed] = await says(
    home,
    'create --file channel.json --name y --key-env SECOND_KEY --json',
    'set y --file changes.json --json',
  )
  const made = parsed(created)
  assert.deepEqual({ ...made, ...mapping, name: 'y', apiKeyCount: 2 }, made)
  assert.deepEqual(parsed(changed), { ...made, quotaLimit: 60, idleTimeout: 5 })
})

test('a channel is changed in what is named, and keys come and go', async () => {
  const home = await newHome()
  const [created] = await says(
    home,
    `create ${CLAUDE} --name main --key-env FIRST_KEY --models claude-* --rpm 60 --json`,
  )
  const before = parsed(created)
  const state = () => home.query('SELECT * FROM channels, channel_keys, settings')
  const stored = state()
  const changes = `--name other --models none --rpm none --key-env SECOND_KEY --remove-key ${before.maskedKeys[0]?.id}`
  const dry = parsed((await says(home, `set main ${changes} --dry-run --json`))[0])
  assert.deepEqual(state(), stored, 'a dry run writes nothing')
  const changed = parsed((await says(home, `set main ${changes} --json`))[0])
  const { maskedKeys } = changed
  assert.deepEqual(
    maskedKeys.map(({ masked }) => masked),
    ['sk-ant-t***0002'],
  )
  assert.deepEqual(changed, { ...before, name: 'other', models: [], rateLimitRpm: 0, maskedKeys })
  assert.deepEqual({ ...dry, maskedKeys }, changed)
  assert.equal(dry.maskedKeys[0]?.masked, maskedKeys[0]?.masked)
})

test('a channel is taken out of service and back, and removed', async () => {
  const home = await newHome()
  const status = 'show main --json'
  const [, ...told] = await says(
    home,
    `create ${CLAUDE} --name main`,
    ...['suspend', 'resume', 'disable', 'enable'].flatMap((verb) => [`${verb} main --dry-run`, `${verb} main`, status]),
    'remove main --dry-run',
    'remove main',
    'list',
  )
  assert.equal(
    told.map((text) => (text.startsWith('{') ? parsed(text)['status'] : text.trim())).join('\n'),
    `main would be suspended.\nmain is suspended.\nsuspended
main would be resumed.\nmain is resumed.\nactive
main would be disabled.\nmain is disabled.\ndisabled
main would be active.\nmain is active.\nactive
main would be removed.\nmain was removed.
There are no channels: tollgate channels create …`,
  )
  const lines = home.query<{ actor: string; operation: string; after: string | null }>(
    'SELECT * FROM audit_log ORDER BY id',
  )
  const [set, resume] = ['setChannelStatus', 'resumeChannel']
  assert.deepEqual(
    lines.map(({ operation }) => operation),
    ['createChannel', set, resume, set, set, 'deleteChannel'],
    'what was only rehearsed is not in the audit log',
  )
  assert.ok(lines.every(({ actor }) => actor === 'cli'))
  assert.match(lines[0]?.after ?? '', /"main"/)
})

test('what cannot be is refused with a sentence, and nothing is written', async () => {
  const home = await newHome({ OPENAI_API_KEY: 'sk-of-the-environment' })
  const [created] = await says(home, `create ${CLAUDE} --name main --json`)
  const { id: target } = parsed(created)
  const files = {
    'by.json': JSON.stringify({ compositeMappings: [{ pattern: 'claude', targetChannelId: target }] }),
    'empty.txt': '\n',
    'spaced.txt': 'sk-ant sk-ant',
    'torn.json': '{"apiKeys": ["sk-ant',
    'unknown.json': '{"colour": "sk-ant"}',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home.path, name), text)
  const [, , before] = await says(
    home,
    'create --pool chat --name main --type openai_chat --base-url https://api.example/v1',
    'create --pool messages --name by --type composite --file by.json',
    'list --json',
  )
  const cases: readonly (readonly [args: string, status: number, sentence: RegExp])[] = [
    [`create ${CLAUDE} --name main`, 1, /^Another channel of the pool has this name\.$/m],
    [`create ${CLAUDE} --name main --dry-run`, 1, /^Another channel of the pool has this name\.$/m],
    ['create --pool messages --type claude --name x', 1, /^This cannot be:\n {2}baseUrl: This is no URL/],
    ['create --pool messages --type claude --name x --base-url http://169.254.169.254', 1, /baseUrl: Link-local/],
    ['create --pool nowhere', 2, /Allowed choices are messages/],
    ['create --type gemini', 2, /Allowed choices are claude/],
    ['create --key sk-ant-in-the-arguments', 2, /unknown option '--key'/],
    [`create ${CLAUDE} --name x --key-env NO_KEY`, 1, /^The variable NO_KEY is not set, or empty\.$/m],
    [`create ${CLAUDE} --name x --key-file empty.txt`, 1, /^empty\.txt holds no key\.$/m],
    [`create ${CLAUDE} --name x --key-file spaced.txt`, 1, /apiKeys\.0: A key is printable ASCII/],
    [`create ${CLAUDE} --name x --key-file none.txt`, 1, /^It cannot be read: ENOENT/],
    ['create --file torn.json', 1, /^torn\.json holds no JSON object\.$/m],
    ['create --file - --key-file -', 1, /either the document or the keys/],
    ['create --file unknown.json', 1, / {2}colour: This field is not known here\./],
    ['set main', 2, /name what is to change/],
    [
      'set main --priority 3',
      1,
      /^Several channels are named main; give the id of one: \w+ \(chat\), \w+ \(messages\)/,
    ],
    ['set nobody --priority 3', 1, /^There is no channel nobody\. tollgate channels list shows them all\.$/m],
    ['set by --key-env FIRST_KEY', 1, /apiKeys: A composite has no keys/],
    [`set ${target} --priority 7 --remove-key nothing`, 1, /There is none with this name or id/],
    [`remove ${target}`, 1, /^The composite by sends calls to it\.$/m],
    [`remove ${target} --dry-run`, 1, /^The composite by sends calls to it\.$/m],
    ['suspend env-openai-chat', 1, /^This comes from the environment/],
  ]
  const ended = await Promise.all(cases.map(([args]) => home.command(['channels', ...args.split(' ')])))
  for (const [at, [args, expected, sentence]] of cases.entries()) {
    const { status, stdout = '', stderr = '' } = ended[at] ?? {}
    assert.match(stderr, sentence, args)
    assert.deepEqual([status, stdout], [expected, ''], args)
    assert.doesNotMatch(stderr, /^\s+at |sk-ant/m, 'neither a stack nor a key')
  }
  assert.deepEqual(await says(home, 'list --json'), [before])
})

test('channels need a database, and beside PostgreSQL a key that its replicas have', async () => {
  const home = await createHome()
  homes.push(home)
  const data = join(home.path, 'apikeys.json')
  writeFileSync(data, JSON.stringify({ keys: [RECORD_OF_A] }))
  const file = await home.command(['channels', 'list'], { STORAGE_TYPE: 'file' })
  assert.deepEqual([file.status, file.stdout], [1, ''])
  assert.match(file.stderr, /^DATA_FILE: a key file has no such thing; [^\n]*\n$/)
  const sqlite = await home.command(['channels', 'list'], { STORAGE_TYPE: 'database' })
  assert.match(sqlite.stderr, /encryption\.key/, 'SQLite gets one, as from the gateway')
  assert.equal(sqlite.status, 0)
  rmSync(join(home.path, 'encryption.key'))
  const postgres = await home.command(['channels', 'list'], { DATABASE_URL: await freshDatabase() })
  assert.match(postgres.stderr, /^ENCRYPTION_KEY: it is not set, and there is no [^\n]*encryption\.key\.\n$/)
  assert.deepEqual([postgres.status, existsSync(join(home.path, 'encryption.key'))], [78, false])
})

test('a running gateway sends calls to a channel that the command line makes, and none to one that it pauses', async (t: TestContext) => {
  const upstream = await startFakeUpstream()
  const home = await newHome()
  const gateway = await startGateway(home)
  t.after(() => Promise.all([gateway.stop(), upstream.close()]))
  const { key } = await home.createKey()
  const call = async (): Promise<number> => {
    const body = JSON.stringify({ model: 'claude-x', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] })
    const headers = { 'x-api-key': key, 'content-type': 'application/json' }
    return (await fetch(`${gateway.url}/v1/messages`, { method: 'POST', headers, body })).status
  }
  assert.equal(await call(), 503)
  await says(home, `create --pool messages --type claude --base-url ${upstream.url} --name main --key-env FIRST_KEY`)
  await until('calls go through', async () => (await call()) === 200)
  assert.equal(upstream.calls.at(-1)?.headers['x-api-key'], FIRST)
  await says(home, 'suspend main')
  await until('the channel is paused', async () => (await call()) === 503)
})
