import { connect, createServer, type Socket } from 'node:net'
import { listenOnLoopback } from './listen.ts'

/** Stands between a gateway and PostgreSQL. */
export type StatementCounter = {
  readonly port: number
  /** Every statement that was sent so far, on all connections: BEGIN, COMMIT, polls and LISTEN included. */
  readonly count: () => number
  readonly close: () => void
}

export async function startStatementCounter(serverPort: number): Promise<StatementCounter> {
  let statements = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: serverPort, host: '127.0.0.1', noDelay: true })
    for (const [socket, other] of [[client, upstream] as const, [upstream, client] as const]) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
    const read = createMessageReader((type) => {
      if (type === 'Q' || type === 'E') statements++
    })
    client.on('data', read)
  })
  const port = await listenOnLoopback(server)
  server.unref() // a bench that fails half-way ends all the same
  return {
    port,
    count: () => statements,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

const LENGTH_BYTES = 4
/** A request for encryption is as long as this, and a second message without a type follows it. */
const ENCRYPTION_REQUEST_LENGTH = 8

/**
 * Tells the type of each message of a client: a byte, then the length, which counts itself, then the rest. Only the
 * first message has no type. https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function createMessageReader(onMessage: (type: string) => void): (chunk: Buffer) => void {
  let isTyped = false
  let type = ''
  let length = 0
  let headRead = 0
  let skip = 0
  return (chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (skip > 0) {
        const skipped = Math.min(skip, chunk.length - at)
        skip -= skipped
        at += skipped
        continue
      }
      const byte = chunk[at++] ?? 0
      if (isTyped && headRead === 0) type = String.fromCharCode(byte)
      else length = length * 256 + byte
      if (++headRead < LENGTH_BYTES + Number(isTyped)) continue
      if (isTyped) onMessage(type)
      else isTyped = length !== ENCRYPTION_REQUEST_LENGTH
      skip = length - LENGTH_BYTES
      length = 0
      headRead = 0
    }
  }
}
