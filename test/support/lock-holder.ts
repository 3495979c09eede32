// A process that holds the lock of a file until it is killed: lock-holder.ts FILE
import { withLock } from '../../proxy/store/file/lock.ts'

const [, , path = ''] = process.argv
await withLock(path, 1000, () => {
  process.stdout.write('ready\n')
  process.stdin.resume()
  return new Promise<never>(() => undefined)
})
