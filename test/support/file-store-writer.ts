// A process that writes batches into a key file until it has written all of them, beginning where the file says that
// it was: file-store-writer.ts FILE SPOOL BATCHES
import { markSecret } from '../../proxy/auth/secret.ts'
import { entryToRow } from '../../proxy/domain/entry-row.ts'
import { StoreError } from '../../proxy/domain/store-error.ts'
import { ulid } from '../../proxy/domain/ulid.ts'
import { createFileStore } from '../../proxy/store/file/file-store.ts'
import { idOf } from '../../proxy/store/file/key-file.ts'
import { closedEntry } from './entries.ts'

const [, , path = '', spool = '', batches = ''] = process.argv
const store = createFileStore(path, { markSecret })
const keyIds = ['pk_alice', 'pk_bob'].map((key) => idOf(markSecret(key)))
const admittedAt = Date.now()

await store.initialise()
process.stdout.write('ready\n')
let done = (await store.markOf(spool))?.offset ?? 0
while (done < Number(batches)) {
  const spend = done + 1
  const rows = keyIds.map((keyId) => JSON.stringify(entryToRow(closedEntry({ id: ulid(), keyId, admittedAt, spend }))))
  try {
    await store.write({ rows, mark: { spool, segment: 0, offset: done + 1 } })
    done++
  } catch (error) {
    // What holds the lock may be one that was killed this moment.
    if (!(error instanceof StoreError && error.isTransient)) throw error
  }
}
