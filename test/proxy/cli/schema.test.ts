import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run, select, tableOf } from '../../../proxy/store/database.ts'
import { migrationNames } from '../../../proxy/store/migrate.ts'
import { describeSchema, testEmpty } from '../../support/empty-database.ts'
import { createHome } from '../../support/gateway.ts'
import { RECORD_OF_A } from '../../support/key-file.ts'

interface Status {
  readonly engine: string
  readonly location: string
  readonly standing: string
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
    const { stdout } = await home.cli(['schema', 'status', '--json'])
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
  assert.ok(!hasPassword(rest.location))
  assert.deepEqual(
    missing,
    migrationNames.map((name) => ({ name, appliedAt: null, minReader: null, isKnown: true })),
  )

  // It would be made.
  const dry = await home.cli(['schema', 'up', '--dry-run'])
  assert.equal(dry.stdout, migrationNames.map((name) => `${name} would run.\n`).join(''))
  const dryJson = await home.cli(['schema', 'up', '--dry-run', '--json'])
  assert.deepEqual(JSON.parse(dryJson.stdout), { location: rest.location, pending: migrationNames })
  assert.deepEqual(await describeSchema(database), [], 'nothing was made')

  // It is made.
  const up = await home.cli(['schema', 'up'])
  assert.deepEqual([up.status, up.stderr], [0, ''])
  assert.equal(up.stdout, migrationNames.map((name) => `${name} ran.\n`).join(''))
  const again = await home.cli(['schema', 'up'])
  assert.deepEqual([again.status, again.stdout], [0, `The schema of ${rest.location} is up to date.\n`])
  const againJson = await home.cli(['schema', 'up', '--json'])
  assert.deepEqual(JSON.parse(againJson.stdout), { location: rest.location, ran: [] })
  const current = await status()
  assert.equal(current.standing, 'current')
  for (const { name, appliedAt, minReader, isKnown } of current.migrations) {
    assert.ok(migrationNames.includes(name))
    assert.ok(Math.abs(Date.parse(appliedAt ?? '') - Date.now()) < 60_000)
    assert.deepEqual([minReader, isKnown], [1, true])
  }
  assert.equal((await home.cli(['schema', 'status'])).status, 0)

  // A later program has been here.
  const later = `INSERT INTO ${tableOf(database, 'schema_migrations')} (name, min_reader, applied_at) VALUES ('0099-later', $1, 0)`
  await run(database, later, [1])
  const newer = await home.cli(['schema', 'status'])
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
  const tooNew = await home.cli(['schema', 'status'])
  assert.equal(tooNew.status, 1)
  assert.match(tooNew.stdout, /: too-new\n/)
  assert.match(
    tooNew.stderr,
    new RegExp(`^${variable}: the schema is for programs of schema 99 and later, [^\\n]*\\.\\n$`),
  )
  const names = await select<{ name: string }>(database, `SELECT name FROM ${tableOf(database, 'schema_migrations')}`)
  assert.equal(names.length, migrationNames.length + 1)
})

test('a key file has no schema: one sentence says what to do', async (t) => {
  const home = await createHome()
  t.after(() => home.remove())
  writeFileSync(join(home.path, 'apikeys.json'), JSON.stringify({ keys: [RECORD_OF_A] }))
  for (const args of [['up'], ['up', '--dry-run'], ['status'], ['status', '--json']]) {
    const { status, stdout, stderr } = await home.cli(['schema', ...args])
    assert.match(stderr, /^DATA_FILE: a key file has no such thing; [^\n]*\n$/)
    assert.deepEqual([status, stdout], [1, ''])
  }
})
