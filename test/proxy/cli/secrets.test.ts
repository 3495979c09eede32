import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCipher } from '../../../proxy/secrets/cipher.ts'
import { migrate } from '../../../proxy/store/migrate.ts'
import { channelInput, channelsIn, NEW_KEY, OAUTH, OLD_KEY } from '../../support/channels.ts'
import { testEmpty } from '../../support/empty-database.ts'
import { createHome } from '../../support/gateway.ts'
import { RECORD_OF_A } from '../../support/key-file.ts'

const NOW = 1_800_000_000_000
const OLD = { ENCRYPTION_KEY: OLD_KEY.toString('hex') }
const BOTH = { ENCRYPTION_KEY: `${NEW_KEY.toString('base64')}, ${OLD.ENCRYPTION_KEY}` }
const NEW = { ENCRYPTION_KEY: NEW_KEY.toString('base64') }
const oldId = createCipher([OLD_KEY]).currentKeyId
const newId = createCipher([NEW_KEY]).currentKeyId

testEmpty('secrets are rotated from one key to the next, and status tells how far', async (t, empty) => {
  const home = await createHome(empty.env)
  t.after(() => home.remove())
  const database = await empty.open()
  await migrate(database)
  const made = await channelsIn(database).create(channelInput({ keys: ['one', 'two'], oauth: OAUTH }), NOW)
  const run = (args: string, env: Readonly<Record<string, string>>) =>
    home.command(['secrets', ...args.split(' ')], env)
  const said = (stdout: string) => ({ status: 0, stdout, stderr: '' })
  const told = async (args: string, env: Readonly<Record<string, string>>): Promise<unknown> =>
    JSON.parse((await run(`${args} --json`, env)).stdout)

  assert.deepEqual(await run('status', OLD), said(`KEY       SECRETS  USE\n${oldId}  3        encrypts\n`))
  assert.deepEqual(
    await run('status', BOTH),
    said(`KEY       SECRETS  USE\n${newId}  0        encrypts\n${oldId}  3        rotate\n`),
  )
  assert.deepEqual(
    await run('rotate --dry-run', BOTH),
    said(`3 secrets would be encrypted anew, under the key ${newId}.\n`),
  )
  assert.deepEqual(await told('rotate --dry-run', BOTH), { currentKeyId: newId, rotated: 3, undecryptable: 0 })
  assert.deepEqual(await channelsIn(database).find(made.id), made, 'nothing was written')

  const lost = await run('status', NEW)
  assert.deepEqual([lost.status, lost.stdout], [1, `KEY       SECRETS  USE\n${newId}  0        encrypts\n`])
  assert.equal(lost.stderr, `3 secrets cannot be decrypted: the key ${oldId} is missing.\n`)
  assert.deepEqual(await told('status', NEW), {
    keys: [{ id: newId, isCurrent: true, secrets: 0 }],
    undecryptable: 3,
  })
  assert.equal((await run('rotate', NEW)).status, 1)
  assert.deepEqual(await told('rotate', NEW), { currentKeyId: newId, rotated: 0, undecryptable: 3 })

  assert.deepEqual(await run('rotate', BOTH), said(`3 secrets were encrypted anew, under the key ${newId}.\n`))
  assert.deepEqual(await told('rotate', BOTH), { currentKeyId: newId, rotated: 0, undecryptable: 0 })
  assert.deepEqual(await told('status', NEW), { keys: [{ id: newId, isCurrent: true, secrets: 3 }], undecryptable: 0 })
  assert.deepEqual(await channelsIn(database, createCipher([NEW_KEY])).find(made.id), made)
})

testEmpty('without a key, or with a bad one, one sentence says so, and no key is made', async (t, empty) => {
  const home = await createHome(empty.env)
  t.after(() => home.remove())
  await migrate(await empty.open())
  const file = join(home.path, 'encryption.key')
  const none = await home.cli(['secrets', 'status'])
  assert.deepEqual(none, {
    status: 78,
    stdout: '',
    stderr: `ENCRYPTION_KEY: it is not set, and there is no ${file}.\n`,
  })
  assert.equal(existsSync(file), false)
  const short = await home.command(['secrets', 'rotate'], { ENCRYPTION_KEY: 'hunter2' })
  assert.deepEqual([short.status, short.stdout], [78, ''])
  assert.match(short.stderr, /ENCRYPTION_KEY: the key must be 32 bytes in base64 or hexadecimal digits/)
  assert.ok(!short.stderr.includes('hunter2'))
  // The file does where the variable is not set.
  writeFileSync(file, OLD.ENCRYPTION_KEY, { mode: 0o644 })
  const status = await home.command(['secrets', 'status', '--json'])
  assert.equal(status.stderr, `${file} may be used by others than its owner; chmod 600 takes that away.\n`)
  assert.deepEqual(JSON.parse(status.stdout), {
    keys: [{ id: oldId, isCurrent: true, secrets: 0 }],
    undecryptable: 0,
  })
})

test('a store without secrets says what it lacks', async (t) => {
  const home = await createHome(OLD)
  t.after(() => home.remove())
  const empty = await home.command(['secrets', 'status'])
  assert.equal(empty.status, 1)
  assert.match(empty.stderr, /^DATABASE_PATH: the schema is older than this program needs; run tollgate schema up\.\n$/)
  writeFileSync(join(home.path, 'apikeys.json'), JSON.stringify({ keys: [RECORD_OF_A] }))
  const file = await home.command(['secrets', 'rotate'])
  assert.equal(file.status, 1)
  assert.match(file.stderr, /^DATA_FILE: a key file has no such thing; [^\n]*\n$/)
})
