import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { kinds } from '../../../operator/client/kinds.ts'
import { assertCheap } from './bad-input.ts'
import type { StoreScene } from './store-scene.ts'

const PROGRAM = new URL('../../../bin/tollgate.mjs', import.meta.url).pathname
const MIGRATIONS = 'tollgate.schema_migrations'

interface Schema {
  readonly pending?: readonly string[]
  readonly approvedHash?: string
  readonly lastMigration?: { readonly hash: string; readonly attempts: number }
}

export function migrationPolicies(scene: StoreScene): void {
  const { change, client, cluster, get, makeStore, namespace, reconcile, templateOf, turnUntilCondition } = scene

  async function schemaOf(name: string): Promise<Schema> {
    const { schema = {} } = ((await get('ApiKeyStore', name))?.['status'] ?? {}) as { readonly schema?: Schema } // safe: ours
    return schema
  }
  async function messageOf(name: string): Promise<string> {
    return (await scene.conditionsOf(name)).find(({ type }) => type === 'SchemaUpToDate')?.message ?? ''
  }
  /** The Jobs of the store that are there, by what they run. */
  async function jobsOf(name: string): Promise<string> {
    return JSON.stringify(
      await client.list(kinds.Job, { namespace, labelSelector: `app.kubernetes.io/instance=${name}` }),
    )
  }

  test('with the policy Manual a migration waits for the command that the store tells, and for no other hash', async () => {
    const spec = { migration: { policy: 'Manual' } }
    const database = await makeStore('manual', spec)
    await turnUntilCondition('manual', 'SchemaUpToDate', 'False ApprovalRequired')
    assert.deepEqual([await get('Deployment', 'manual'), await hasSchema(database)], [undefined, false])
    const { pending = [] } = await schemaOf('manual')
    assert.match(pending[0] ?? '', /^0001-/)
    await assertCheap(scene, 'manual', namespace)

    const [, command = ''] = /`kubectl (.*)`/.exec(await messageOf('manual')) ?? []
    await cluster.kubectl(...command.replace(/=.*/, '=another').split(' '))
    await assertCheap(scene, 'manual', namespace)
    await cluster.kubectl(...command.split(' '))
    await turnUntilCondition('manual', 'Ready', 'True Serving')
    const { approvedHash, lastMigration } = await schemaOf('manual')
    assert.ok(
      approvedHash !== undefined && command.endsWith(`=${approvedHash}`) && lastMigration?.hash === approvedHash,
    )

    // The next image has a migration, too: what was approved was the one before.
    const last = pending.at(-1) ?? ''
    await query(database, `DELETE FROM ${MIGRATIONS} WHERE name = '${last}'`)
    await change('manual', { ...spec, image: 'registry.example/tollgate:2' })
    await turnUntilCondition('manual', 'SchemaUpToDate', 'False ApprovalRequired')
    assert.deepEqual((await schemaOf('manual')).pending, [last])
    assert.match(await templateOf('manual'), /tollgate:1"/)
  })

  test('with the policy Disabled nothing is migrated, and the pods come when somebody has done it', async () => {
    const database = await makeStore('disabled', { migration: { policy: 'Disabled' } })
    await turnUntilCondition('disabled', 'SchemaUpToDate', 'False MigrationDisabled')
    assert.match(await messageOf('disabled'), /Pending: 0001-.* Run tollgate schema up/)
    assert.match(await jobsOf('disabled'), /"--dry-run"/)
    assert.deepEqual([await get('Deployment', 'disabled'), await hasSchema(database)], [undefined, false])
    await assertCheap(scene, 'disabled', namespace)

    const env = { PATH: process.env['PATH'], DATABASE_URL: database }
    await promisify(execFile)(process.execPath, [PROGRAM, 'schema', 'up'], { env })
    scene.pass(300_000)
    await turnUntilCondition('disabled', 'Ready', 'True Serving')
    assert.equal((await schemaOf('disabled')).lastMigration?.attempts, 2, 'both only looked')
    assert.match(await jobsOf('disabled'), /"--dry-run"/)
  })

  test('an older image is rolled out where the schema leaves room for it, and told where it does not', async () => {
    const database = await makeStore('rollback')
    await turnUntilCondition('rollback', 'Ready', 'True Serving')
    await query(database, `INSERT INTO ${MIGRATIONS} (name, min_reader, applied_at) VALUES ('9000-later', 1, 0)`)
    await change('rollback', { image: 'registry.example/tollgate:0.9' })
    await turnUntilCondition('rollback', 'Ready', 'True Serving')
    assert.match(await templateOf('rollback'), /tollgate:0\.9"/)

    await query(database, `UPDATE ${MIGRATIONS} SET min_reader = 9000 WHERE name = '9000-later'`)
    await change('rollback', { image: 'registry.example/tollgate:0.8' })
    await turnUntilCondition('rollback', 'Stalled', 'True SchemaNewerThanImage')
    assert.match(await messageOf('rollback'), /9000.*Set an image of that version/s)
    assert.match(await templateOf('rollback'), /tollgate:0\.9"/)
    assert.equal(await scene.conditionOf('rollback', 'Available'), 'True Serving')
    scene.pass(3_600_000)
    await reconcile({ namespace, name: 'rollback' })
    await assertCheap(scene, 'rollback', namespace)
  })
}

async function hasSchema(database: string): Promise<boolean> {
  const [{ found } = {}] = await query(database, `SELECT to_regclass('${MIGRATIONS}') IS NOT NULL AS found`)
  return found === true
}

async function query(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}
