// A process that owns a folder of a spool until it is killed: folder-owner.ts SPOOL_DIR BOOT
import { createFolder } from '../../proxy/ledger/folders.ts'

const [, , spoolDir = '', boot = ''] = process.argv
await createFolder(spoolDir, boot)
process.stdout.write('ready\n')
process.stdin.resume()
