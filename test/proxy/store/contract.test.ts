import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { markSecret } from '../../../proxy/auth/secret.ts'
import { rowJson } from '../../../proxy/domain/entry-row.ts'
import { UNLIMITED } from '../../../proxy/domain/key.ts'
import { StoreError } from '../../../proxy/domain/store-error.ts'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { batchOf, type Subject, subjects } from '../../support/contract.ts'
import { appliedOf, closedEntry, summedUp } from '../../support/entries.ts'

const MINUTE_MS = 60_000
const NOW = Date.now()
const MINUTE = NOW - (NOW % MINUTE_MS)
const [ONE, TWO] = [ulid(), ulid()]

for (const [name, create] of Object.entries(subjects)) {
  const testSubject = (what: string, body: (subject: Subject) => Promise<void>): void => {
    test(what, async (t) => {
      const subject = await create(t)
      await subject.store.initialise()
      await body(subject)
    })
  }
  /** What a key has used, as the request path reads it. */
  const usageOf = async ({ store }: Subject, hash: string, since = 0) => (await store.findByHash(hash, since))?.usage

  describe(name, () => {
    testSubject('a key is found by its hash, as it is', async ({ store, alice }) => {
      assert.deepEqual(await store.findByHash(alice.hash, 0), {
        ...alice,
        name: 'alice',
        prefix: markSecret('pk_alice').prefix,
        status: 'active',
        ...UNLIMITED,
        tenant: null,
        previousHash: null,
        previousUntil: null,
        resetAt: null,
        createdAt: Date.UTC(2026, 0, 18),
        updatedAt: Date.UTC(2026, 0, 18),
        usage: { lifetimeTokens: 0, lastUsedAt: null, minutes: [] },
      })
      assert.equal(await store.findByHash(markSecret('pk_nobody').hash, 0), undefined)
    })

    testSubject('of many ids those are found that exist', async ({ store, alice, bob }) => {
      const found = await store.findByIds([bob.id, 'nobody', alice.id])
      assert.deepEqual(
        new Set(found.map(({ id, hash }) => `${id} ${hash}`)),
        new Set([alice, bob].map(({ id, hash }) => `${id} ${hash}`)),
      )
      assert.ok(found.every((key) => !('usage' in key)))
      assert.deepEqual(await store.findByIds([]), [])
    })

    testSubject('a key comes with what it used since an instant, by minutes', async (subject) => {
      const { store, alice, bob } = subject
      const entries = [
        { admittedAt: MINUTE - 2 * MINUTE_MS, spend: 1 },
        { admittedAt: MINUTE - 1, spend: 2 },
        { admittedAt: MINUTE + 1, spend: 4 },
        { admittedAt: MINUTE, spend: 8 },
      ].map((entry) => ({ ...entry, keyId: alice.id }))
      await store.write(batchOf(ONE, 1, entries))
      assert.deepEqual(await usageOf(subject, alice.hash, MINUTE - MINUTE_MS), {
        lifetimeTokens: 15,
        lastUsedAt: MINUTE + 1,
        minutes: [
          { start: MINUTE - MINUTE_MS, amount: 2 },
          { start: MINUTE, amount: 12 },
        ],
      })
      assert.equal((await usageOf(subject, alice.hash))?.minutes.length, 3)
      assert.deepEqual(await usageOf(subject, bob.hash), { lifetimeTokens: 0, lastUsedAt: null, minutes: [] })
    })

    testSubject(
      'the revision changes with a key, and not with what keys use',
      async ({ store, alice, bob, revokeBob }) => {
        const before = await store.revision()
        await store.write(batchOf(ONE, 1, [{ keyId: alice.id }]))
        assert.equal(await store.revision(), before)
        await revokeBob()
        assert.notEqual(await store.revision(), before)
        assert.notEqual((await store.findByHash(bob.hash, 0))?.status ?? 'revoked', 'active')
        assert.equal((await store.findByHash(alice.hash, 0))?.status, 'active')
      },
    )

    testSubject(
      'a batch tells what it added for each key and minute, and a repeated one adds nothing',
      async (subject) => {
        const { store, alice, bob } = subject
        const entries = [alice, bob, alice, alice].map(({ id }, place) =>
          closedEntry({ keyId: id, admittedAt: MINUTE - (place % 2) * MINUTE_MS, spend: 1 + place }),
        )
        const batch = { rows: entries.map(rowJson), mark: { spool: ONE, segment: 1, offset: 9 } }
        assert.deepEqual(summedUp(await store.write(batch)), appliedOf(entries))
        for (let again = 0; again < 2; again++) assert.deepEqual(await store.write(batch), [])
        assert.equal((await usageOf(subject, alice.hash))?.lifetimeTokens, 8)
        assert.equal((await usageOf(subject, bob.hash))?.lifetimeTokens, 2)
      },
    )

    testSubject('a batch that is given many times at once counts once', async (subject) => {
      const batch = batchOf(ONE, 1, [{ keyId: subject.alice.id, spend: 7 }])
      const told = await Promise.all(Array.from({ length: 5 }, () => subject.store.write(batch)))
      assert.equal(told.flat().length, 1)
      assert.equal((await usageOf(subject, subject.alice.hash))?.lifetimeTokens, 7)
    })

    testSubject('spools stand beside one another, and each goes on', async (subject) => {
      const { store, alice } = subject
      const spend = async (spool: string, offset: number, amount: number): Promise<unknown> =>
        store.write(batchOf(spool, offset, [{ keyId: alice.id, spend: amount }]))
      await Promise.all([spend(ONE, 1, 1), spend(TWO, 1, 2)])
      await spend(TWO, 5, 4)
      await spend(ONE, 2, 8)
      assert.equal((await usageOf(subject, alice.hash))?.lifetimeTokens, 15)
    })

    testSubject('an entry that is twice in a batch counts once', async (subject) => {
      const { store, alice } = subject
      const entry = closedEntry({ keyId: alice.id, spend: 7 })
      const rows = [entry, closedEntry({ keyId: alice.id, spend: 1 }), entry].map(rowJson)
      await store.write({ rows, mark: { spool: ONE, segment: 1, offset: 3 } })
      assert.equal((await usageOf(subject, alice.hash))?.lifetimeTokens, 8)
    })

    testSubject('entries of a key that is no more hold nobody up', async (subject) => {
      const { store, alice, bob, revokeBob } = subject
      await revokeBob()
      await store.write(batchOf(ONE, 1, [{ keyId: bob.id }, { keyId: alice.id, spend: 7 }, { keyId: 'nobody' }]))
      assert.equal((await usageOf(subject, alice.hash))?.lifetimeTokens, 7)
    })

    testSubject('a batch without entries is nothing', async ({ store }) => {
      assert.deepEqual(await store.write({ rows: [], mark: { spool: ONE, segment: 1, offset: 1 } }), [])
    })

    testSubject(
      'how far a spool was read is known where the store remembers it',
      async ({ store, alice, hasMarks }) => {
        assert.equal(await store.markOf(ONE), undefined)
        await store.write(batchOf(ONE, 12, [{ keyId: alice.id }]))
        const mark = await store.markOf(ONE)
        assert.deepEqual(
          mark && { segment: mark.segment, offset: mark.offset },
          hasMarks ? { segment: 1, offset: 12 } : undefined,
        )
        assert.equal(await store.markOf(TWO), undefined)
      },
    )

    testSubject('minutes that left every window go, and what a key has used in all stays', async (subject) => {
      const { store, alice } = subject
      const entries = [2, 1, 0].map((ago) => ({ keyId: alice.id, spend: 5, admittedAt: MINUTE - ago * MINUTE_MS }))
      await store.write(batchOf(ONE, 1, entries))
      await store.prune(0, MINUTE - MINUTE_MS, MINUTE)
      const usage = await usageOf(subject, alice.hash)
      assert.deepEqual(
        usage?.minutes.map(({ start }) => start),
        [MINUTE - MINUTE_MS, MINUTE],
      )
      assert.equal(usage?.lifetimeTokens, 15)
    })

    testSubject('a ping says what it asked and how long that took', async ({ store }) => {
      const { type, responseTimeMs, error } = await store.ping()
      assert.ok(['postgres', 'sqlite', 'file'].includes(type))
      assert.ok(responseTimeMs >= 0)
      assert.equal(error, undefined)
    })

    testSubject('what cannot be done is told as a storage error that names it', async ({ store, alice, breakDown }) => {
      await breakDown()
      await assert.rejects(store.write(batchOf(ONE, 1, [{ keyId: alice.id }])), (error) => {
        assert.ok(error instanceof StoreError)
        assert.equal(error.operation, 'write entries')
        // Nothing is wrong with the entries: they are to wait.
        assert.ok(error.kind === 'query' || error.kind === 'connection')
        return true
      })
    })

    testSubject('an entry that no store could take is told as one', async ({ store, alice }) => {
      const batch = batchOf(ONE, 1, [{ keyId: alice.id, spend: Number.NaN }])
      await assert.rejects(store.write(batch), (error) => {
        assert.ok(error instanceof StoreError)
        assert.ok(error.kind === 'constraint' || error.kind === 'validation')
        return true
      })
    })
  })
}
