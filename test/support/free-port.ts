import { once } from 'node:events'
import { createServer } from 'node:net'
import { randomPort } from './postgres-binaries.ts'

/**
 * A port on which nothing listened a moment ago, and that nobody gets who does not ask for it: of those that the
 * system gives away, the next one who wants any port may get it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomPort()
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
