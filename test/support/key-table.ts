import assert from 'node:assert/strict'
import type { KeySource } from '../../proxy/auth/authenticate.ts'
import { hashSecret } from '../../proxy/auth/secret.ts'
import { GatewayError } from '../../proxy/domain/errors.ts'
import { hashesOf, type KeyRecord } from '../../proxy/domain/key.ts'
import { aKey } from './a-key.ts'

/** A table of keys in memory that can be changed, counts its reads, and can be slow: it reads first and answers later. */
export function keyTable(...rows: KeyRecord[]) {
  const keys = new Map(rows.map((row) => [row.id, row]))
  let gate: Promise<void> | undefined
  const reads: string[] = []
  let isFresh = true
  let revision = 0
  let rereads = 0
  const source: KeySource = {
    async findByHash(hash) {
      reads.push(hash)
      const found = [...keys.values()].find((row) => hashesOf(row).includes(hash))
      await gate
      return found
    },
    keyRevision: () => Promise.resolve(String(revision)),
    async findByIds(ids) {
      rereads += 1
      const found = ids.flatMap((id) => keys.get(id) ?? [])
      await gate
      return found.map((row) => {
        const { usage: _, ...key } = row
        return key
      })
    },
    findInUse: () => Promise.resolve([...keys.values()]),
    isFresh: () => isFresh,
  }
  return {
    source,
    /** What is in memory may be too old from now on, or not any more. */
    freshen: (next: boolean) => void (isFresh = next),
    reads,
    /** How often keys in memory were read again. */
    rereads: () => rereads,
    put: (row: KeyRecord): void => {
      keys.set(row.id, row)
      revision += 1
    },
    remove: (row: KeyRecord): void => {
      keys.delete(row.id)
      revision += 1
    },
    /** Answers wait from now on, until what is returned is called. */
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return () => {
        gate = undefined
        resolve()
      }
    },
  }
}

/** An address that nobody may ask for, where there is no guard. */
export const nowhere = (): never => assert.fail('the address was looked for')

export const keyRow = (secret: string, different: Partial<KeyRecord> = {}): KeyRecord =>
  aKey({ hash: hashSecret(secret), ...different })

export function refusal(code: string, more: Partial<{ message: string; legacy: unknown; retryAfterMs: number }> = {}) {
  return (error: unknown): true => {
    assert.ok(error instanceof GatewayError)
    assert.equal(error.code, code)
    if (more.message !== undefined) assert.equal(error.message, more.message)
    if ('legacy' in more) assert.deepEqual(error.particulars.legacy, more.legacy)
    if ('retryAfterMs' in more) assert.equal(error.particulars.retryAfterMs, more.retryAfterMs)
    return true
  }
}
