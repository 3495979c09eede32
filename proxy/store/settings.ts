import type { Transaction } from 'sequelize'
import { changeBesideKeys, told } from './config-change.ts'
import { type Database, run, select, tableOf } from './database.ts'
import { BESIDE_KEYS, REVISION } from './revision.ts'

type SettingValue = object | string | number | boolean | null

/** Values that JSON can say, by name. Every method throws `StoreError`, and `RevisionConflict` where one is expected. */
export interface SettingStore {
  /** Undefined where nothing is set: the default counts. */
  get(name: string): Promise<unknown>
  /** Those whose names begin so. */
  all(prefix: string): Promise<ReadonlyMap<string, unknown>>
  set(name: string, value: SettingValue, expectedRevision?: string): Promise<void>
  /** Back to the default. Answers whether anything was set. */
  remove(name: string, expectedRevision?: string): Promise<boolean>
}

export function createSettingStore(database: Database): SettingStore {
  const table = tableOf(database, 'settings')
  const read = (): Promise<{ name: string; value: string }[]> =>
    told(
      'read the settings',
      select(database, `SELECT name, value FROM ${table} WHERE name NOT IN ($1, $2)`, [REVISION, BESIDE_KEYS]),
    )
  const all = async (isWanted: (name: string) => boolean): Promise<ReadonlyMap<string, unknown>> => {
    const rows = (await read()).filter(({ name }) => isWanted(name))
    return new Map(rows.map(({ name, value }) => [name, JSON.parse(value)]))
  }
  const changing = async <T>(
    name: string,
    operation: string,
    expectedRevision: string | undefined,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> => {
    if (name === REVISION || name === BESIDE_KEYS) throw new TypeError('the revision is no setting')
    return changeBesideKeys(database, operation, expectedRevision, work)
  }

  return {
    get: async (name) => (await all((other) => other === name)).get(name),
    all: (prefix) => all((name) => name.startsWith(prefix)),

    set: (name, value, expectedRevision) =>
      changing(name, 'set a setting', expectedRevision, async (transaction) => {
        const upsert = `INSERT INTO ${table} (name, value) VALUES ($1, $2)
          ON CONFLICT (name) DO UPDATE SET value = excluded.value`
        await run(database, upsert, [name, JSON.stringify(value)], transaction)
      }),

    remove: (name, expectedRevision) =>
      changing(name, 'reset a setting', expectedRevision, async (transaction) => {
        const removed = `DELETE FROM ${table} WHERE name = $1 RETURNING name`
        return (await select(database, removed, [name], transaction)).length > 0
      }),
  }
}
