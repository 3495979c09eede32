import { type InferAttributes, Op, type Transaction } from 'sequelize'
import {
  type Key,
  type KeyChanges,
  type KeyFields,
  keyProblem,
  type KeySummary,
  type SecretMark,
  UNLIMITED,
} from '../domain/key.ts'
import { InvalidKey, NameTaken, NoLivingKey, NoSuchTenant, SecretTaken } from '../domain/key-refusal.ts'
import type { Tenant } from '../domain/tenant.ts'
import { type ApiKeyRow, columnsOf, modelIn, toKey, toSummary } from './api-key-row.ts'
import { changeConfig, isTaken, told } from './config-change.ts'
import type { Database } from './database.ts'
import { createKeyReads, type KeyReads } from './key-reads.ts'
import { resetUsage } from './key-reset.ts'
import { type Buckets, readBuckets } from './limit-buckets.ts'
import { tenantModelIn, type TenantRow, toTenant } from './tenant-row.ts'
import { createTenantStore, type TenantStore } from './tenants.ts'

/**
 * What administrators do with keys. Every method throws `StoreError` besides what it names. A write that names the
 * revision that it expects throws `RevisionConflict` where there was another write since.
 */
export interface KeyStore extends KeyReads {
  readonly tenants: TenantStore
  /** What these keys and tenants have used, by subject. */
  buckets(subjects: readonly string[], usedSince: number): Promise<(subject: string) => Buckets>
  /** Throws `NameTaken`, `SecretTaken`, `NoSuchTenant` or `InvalidKey`. */
  create(id: string, fields: KeyFields, secret: SecretMark, now: number, making?: Making): Promise<KeySummary>
  /** Changes what is named and nothing else. Throws `NoLivingKey`, `NameTaken`, `NoSuchTenant` or `InvalidKey`. */
  update(id: string, changes: KeyChanges, now?: number, expectedRevision?: string): Promise<void>
  /** Gives back what the key has used in its windows and budgets; its entries and statistics stay. Throws `NoLivingKey`. */
  reset(id: string, now?: number, expectedRevision?: string): Promise<void>
  /** Enables, disables or revokes. Throws `NoLivingKey`: revoking is final, whoever comes second. */
  setStatus(id: string, status: Key['status'], now?: number, expectedRevision?: string): Promise<void>
  /** The old secret opens for `overlapMs` more, the one before it no longer. Throws `NoLivingKey`, or `SecretTaken`. */
  rotate(id: string, secret: SecretMark, overlapMs?: number, now?: number, expectedRevision?: string): Promise<void>
}

interface Making {
  /** Called when nothing but the commit can fail any more; what it throws takes the key back. */
  readonly beforeCommit?: () => void
  readonly expectedRevision?: string
}

/** What is to be set of a row. */
type Columns = Partial<InferAttributes<ApiKeyRow>>

export function createKeyStore(database: Database): KeyStore {
  const ApiKeys = modelIn(database)
  const Tenants = tenantModelIn(database)

  /** Sets what `change` answers; false is nothing. */
  const changing = async (
    id: string,
    now: number,
    expectedRevision: string | undefined,
    change: (row: ApiKeyRow, transaction: Transaction) => Promise<Columns | false>,
  ): Promise<void> => {
    await changeConfig(database, 'change a key', expectedRevision, async (transaction) => {
      const row = await ApiKeys.findOne({ where: { id, status: { [Op.ne]: 'revoked' } }, lock: true, transaction })
      if (!row) throw new NoLivingKey(`${id} is no key, or was revoked`)
      const columns = await change(row, transaction)
      if (columns === false) return false
      return row.update({ ...columns, updated_at: now }, { transaction }).catch((error: unknown) => {
        throw isTaken(error, 'name') ? nameTaken(row.name, error) : error
      })
    })
  }

  return {
    tenants: createTenantStore(database),
    buckets: (subjects, usedSince) => told('read what is used', readBuckets(database, subjects, usedSince)),
    ...createKeyReads(database),

    create(id, fields, { hash, prefix }, now, { beforeCommit, expectedRevision } = {}) {
      const all = { ...UNLIMITED, ...fields }
      const row = ApiKeys.build({
        ...columnsOf(all),
        id,
        hash,
        prefix,
        previous_hash: null,
        previous_until: null,
        status: 'active',
        reset_at: null,
        created_at: now,
        updated_at: now,
        last_used_at: null,
        lifetime_tokens: 0,
      })
      return changeConfig(database, 'make a key', expectedRevision, async (transaction) => {
        const tenant = await checkedTenant(Tenants, all, transaction)
        await refuseTaken(ApiKeys, hash, id, transaction)
        await row.save({ transaction }).catch((error: unknown) => {
          throw isTaken(error, 'name') || isTaken(error, 'id') ? nameTaken(fields.name, error) : error
        })
        beforeCommit?.()
        return { ...toSummary(row), tenant }
      })
    },

    update: (id, changes, now = Date.now(), expectedRevision) =>
      changing(id, now, expectedRevision, async (row, transaction) => {
        // Who administrates is said when a key is made: one that is known widely must not become an admin key.
        const fields = { ...toKey(row), ...changes, isAdmin: row.is_admin }
        await checkedTenant(Tenants, fields, transaction)
        return columnsOf(fields)
      }),

    reset: (id, now = Date.now(), expectedRevision) =>
      changing(id, now, expectedRevision, async (_, transaction) => {
        await resetUsage(database, transaction, id)
        return { reset_at: now }
      }),

    setStatus: (id, status, now = Date.now(), expectedRevision) =>
      changing(id, now, expectedRevision, async () => ({ status })),

    rotate: (id, { hash, prefix }, overlapMs = 0, now = Date.now(), expectedRevision) =>
      changing(id, now, expectedRevision, async (row, transaction) => {
        await refuseTaken(ApiKeys, hash, id, transaction)
        if (row.hash === hash && row.previous_hash === null) return false
        const overlaps = overlapMs > 0 && row.hash !== hash
        const previous_until = overlaps ? now + overlapMs : null
        return { hash, prefix, previous_hash: overlaps ? row.hash : null, previous_until }
      }),
  }
}

/** The tenant of a key whose fields agree with one another. Changes wait for one another, so it stays there. */
async function checkedTenant(
  Tenants: typeof TenantRow,
  fields: Required<KeyFields>,
  transaction: Transaction,
): Promise<Tenant | null> {
  const problem = keyProblem(fields)
  if (problem !== undefined) throw new InvalidKey(problem)
  if (fields.tenantId === null) return null
  const tenant = await Tenants.findByPk(fields.tenantId, { transaction })
  if (!tenant) throw new NoSuchTenant(`${fields.tenantId} is no tenant`)
  return toTenant(tenant)
}

/** No index sees that a new secret is the one that another key had before its rotation. */
async function refuseTaken(
  ApiKeys: typeof ApiKeyRow,
  hash: string,
  id: string,
  transaction: Transaction,
): Promise<void> {
  const others = { id: { [Op.ne]: id }, [Op.or]: [{ hash }, { previous_hash: hash }] }
  if ((await ApiKeys.count({ where: others, transaction })) > 0) throw new SecretTaken('another key has this secret')
}

function nameTaken(name: string, cause: unknown): NameTaken {
  return new NameTaken(`a key named ${name} exists`, { cause })
}
