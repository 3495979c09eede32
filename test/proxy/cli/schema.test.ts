import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run, select, tableOf } from '../../../proxy/store/database.ts'
import { migrationNames } from '../../../proxy/store/migrate.ts'
import { openSqlite } from '../../../proxy/store/sqlite.ts'
import { describeSchema, testEmpty } from '../../support/empty-database.ts'
import { createHome } from '../../support/gateway.ts'
import { RECORD_OF_A } from '../../support/key-file.ts'

interface Status {
  readonly engine: string
  readonly location: string
  readonly standing: string
  readonly current: number
  readonly target: number
  readonly pending: readonly string[]
  readonly migrations: readonly {
    readonly name: string
    readonly appliedAt: string | null
    readonly minReader: number | null
    readonly isKnown: boolean
  }[]
}

testEmpty('schema status and schema up tell the same story, for people and for programs', async (t, empty) => {
  const home = await createHome({ ...empty.env, SKIP_MIGRATION: 'true' })
  t.after(() => home.remove())
  const variable = empty.engine === 'sqlite' ? 'DATABASE_PATH' : 'DATABASE_URL'
  const url = empty.env['DATABASE_URL'] ?? ''
  const hasPassword = (text: string): boolean => url !== '' && text.includes(new URL(url).password)
  const status = async (): Promise<Status> => {
    const { stdout } = await home.command(['schema', 'status', '--json'])
    return JSON.parse(stdout) as Status // safe: --json's contract, which the test looks at
  }
  const database = await empty.open()

  // Nothing is there.
  const behind = await home.cli(['schema', 'status'])
  assert.equal(behind.status, 1)
  assert.equal(behind.stderr, `${variable}: the schema is older than this program needs; run tollgate schema up.\n`)
  assert.match(behind.stdout, new RegExp(`^${empty.engine}, .*: behind\\n {2}0001-initial +not applied\\n`))
  assert.ok(!hasPassword(behind.stdout))
  const { migrations: missing, ...rest } = await status()
  assert.equal(rest.engine, empty.engine)
  assert.equal(rest.standing, 'behind')
  assert.deepEqual([rest.current, rest.target, rest.pending], [0, migrationNames.length, migrationNames])
  assert.ok(!hasPassword(rest.location))
  assert.deepEqual(
    missing,
    migrationNames.map((name) => ({ name, appliedAt: null, minReader: null, isKnown: true })),
  )

  // It would be made.
  const dry = await home.command(['schema', 'up', '--dry-run'])
  assert.equal(dry.stdout, migrationNames.map((name) => `${name} would run.\n`).join(''))
  const dryJson = await home.command(['schema', 'up', '--dry-run', '--json'])
  assert.deepEqual(JSON.parse(dryJson.stdout), {
    location: rest.location,
    from: 0,
    to: migrationNames.length,
    pending: migrationNames,
  })
  assert.deepEqual(await describeSchema(database), [], 'nothing was made')

  // It is made.
  const up = await home.cli(['schema', 'up'])
  assert.deepEqual([up.status, up.stderr], [0, ''])
  assert.equal(up.stdout, migrationNames.map((name) => `${name} ran.\n`).join(''))
  const again = await home.command(['schema', 'up'])
  assert.deepEqual([again.status, again.stdout], [0, `The schema of ${rest.location} is up to date.\n`])
  const againJson = await home.command(['schema', 'up', '--json'])
  assert.deepEqual(JSON.parse(againJson.stdout), {
    location: rest.location,
    from: migrationNames.length,
    to: migrationNames.length,
    ran: [],
  })
  const current = await status()
  assert.deepEqual([current.standing, current.current, current.pending], ['current', migrationNames.length, []])
  for (const { name, appliedAt, minReader, isKnown } of current.migrations) {
    assert.ok(migrationNames.includes(name))
    assert.ok(Math.abs(Date.parse(appliedAt ?? '') - Date.now()) < 60_000)
    assert.deepEqual([minReader, isKnown], [1, true])
  }
  assert.equal((await home.command(['schema', 'status'])).status, 0)

  // A later program has been here.
  const later = `INSERT INTO ${tableOf(database, 'schema_migrations')} (name, min_reader, applied_at) VALUES ('0099-later', $1, 0)`
  await run(database, later, [1])
  const newer = await home.command(['schema', 'status'])
  assert.deepEqual([newer.status, newer.stderr], [0, ''])
  assert.match(newer.stdout, /: newer\n/)
  assert.match(newer.stdout, /^ {2}0099-later +applied 1970-01-01 00:00 .*\(unknown to this program\)$/m)
  assert.deepEqual((await status()).migrations.at(-1), {
    name: '0099-later',
    appliedAt: '1970-01-01T00:00:00.000Z',
    minReader: 1,
    isKnown: false,
  })

  // And leaves nothing to those before it.
  await run(database, `UPDATE ${tableOf(database, 'schema_migrations')} SET min_reader = 99 WHERE name = '0099-later'`)
  const tooNew = await home.command(['schema', 'status'])
  assert.equal(tooNew.status, 1)
  assert.match(tooNew.stdout, /: too-new\n/)
  assert.match(
    tooNew.stderr,
    new RegExp(`^${variable}: the schema is for programs of schema 99 and later, [^\\n]*\\.\\n$`),
  )
  const names = await select<{ name: string }>(database, `SELECT name FROM ${tableOf(database, 'schema_migrations')}`)
  assert.equal(names.length, migrationNames.length + 1)
})

test('what schema up and schema status have found is in the file of --result, also when they fail', async (t) => {
  const home = await createHome()
  t.after(() => home.remove())
  const file = join(home.path, 'result')
  const own = migrationNames.length
  const resultOf = async (command: string, env?: Record<string, string>): Promise<unknown> => {
    const { status, stdout } = await home.command(['schema', command, '--result', file], env)
    const line = readFileSync(file, 'utf8')
    assert.match(line, /^[^\n]{1,4095}\n$/)
    const { migrations: _, location: __, ...result } = JSON.parse(line) as Record<string, unknown> // safe: an object, see above
    assert.ok(!stdout.includes('{'), 'people read on')
    return [status, result]
  }

  const message = 'DATABASE_PATH: the schema is older than this program needs; run tollgate schema up.'
  const behind = { engine: 'sqlite', standing: 'behind', current: 0, target: own, pending: migrationNames }
  assert.deepEqual(await resultOf('status'), [1, { ...behind, error: { code: 'schema_behind', message } }])
  assert.deepEqual(await resultOf('up'), [0, { from: 0, to: own, ran: migrationNames }])
  const current = { engine: 'sqlite', standing: 'current', current: own, target: own, pending: [] }
  assert.deepEqual(await resultOf('status'), [0, current])

  const [, bad] = (await resultOf('up', { PORT: 'x' })) as [number, { error: { code: string; message: string } }]
  assert.equal(bad.error.code, 'environment_invalid')
  assert.match(bad.error.message, /PORT/)
  const away = { DATABASE_URL: 'postgres://user:a-password@127.0.0.1:1/db' }
  const refused = 'DATABASE_URL: nothing listens there; is the server running, are host and port right?'
  assert.deepEqual(await resultOf('up', away), [1, { error: { code: 'storage_away', message: refused } }])

  const unwritable = await home.command(['schema', 'up', '--result', join(home.path, 'none', 'result')])
  assert.deepEqual([unwritable.status, unwritable.stdout], [1, ''])
  assert.match(unwritable.stderr, /^The result cannot be written: ENOENT/)
})

test('a result that is too long for a termination message goes without its lists', async (t) => {
  const home = await createHome()
  t.after(() => home.remove())
  const file = join(home.path, 'result')
  await home.command(['schema', 'up'])
  const database = await openSqlite(join(home.path, 'tollgate.db'))
  t.after(() => database.close())
  for (let number = 101; number < 150; number += 1) {
    const insert = 'INSERT INTO schema_migrations (name, min_reader, applied_at) VALUES ($1, 99, 0)'
    await run(database, insert, [`0${number}-of-a-later-program`])
  }
  const { status } = await home.command(['schema', 'status', '--result', file])
  assert.equal(status, 1)
  const { engine, standing, current, migrations, pending, error } = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    unknown
  > // safe: an object, of which the next line looks at all
  assert.deepEqual([engine, standing, current, migrations, pending], ['sqlite', 'too-new', 149, undefined, []])
  assert.equal((error as { code: string }).code, 'schema_too_new')
})

test('a key file has no schema: one sentence says what to do', async (t) => {
  const home = await createHome()
  t.after(() => home.remove())
  writeFileSync(join(home.path, 'apikeys.json'), JSON.stringify({ keys: [RECORD_OF_A] }))
  for (const args of [['up'], ['up', '--dry-run'], ['status'], ['status', '--json']]) {
    const { status, stdout, stderr } = await home.command(['schema', ...args])
    assert.match(stderr, /^DATA_FILE: a key file has no such thing; [^\n]*\n$/)
    assert.deepEqual([status, stdout], [1, ''])
  }
})
