import { createSecret } from '../proxy/auth/secret.ts'
import { type KeyFields, UNLIMITED } from '../proxy/domain/key.ts'
import { ulid } from '../proxy/domain/ulid.ts'
import { columnsOf, modelIn } from '../proxy/store/api-key-row.ts'
import type { Database } from '../proxy/store/database.ts'

type MadeKey = { readonly id: string; readonly key: string }

/** A statement takes a bounded number of values. */
const ROWS_A_STATEMENT = 500

/** Many keys at once, as the admin API would make them one by one. */
export async function makeKeys(
  database: Database,
  count: number,
  fieldsOf: (nth: number) => Omit<KeyFields, 'name'>,
): Promise<readonly MadeKey[]> {
  const made = Array.from({ length: count }, () => ({ id: ulid(), ...createSecret() }))
  const now = Date.now()
  const rows = made.map(({ id, hash, prefix }, nth) => ({
    ...columnsOf({ ...UNLIMITED, name: `key-${nth}`, ...fieldsOf(nth) }),
    id,
    hash,
    prefix,
    previous_hash: null,
    previous_until: null,
    status: 'active' as const,
    reset_at: null,
    created_at: now,
    updated_at: now,
    last_used_at: null,
    lifetime_tokens: 0,
  }))
  const model = modelIn(database)
  await database.write(async (transaction) => {
    for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT)
      await model.bulkCreate(rows.slice(at, at + ROWS_A_STATEMENT), { transaction })
  })
  return made
}
