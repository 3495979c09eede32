import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatewayError } from '../domain/errors.ts'

export interface BodyLimits {
  /** Of one body. */
  readonly maxBytes: number
  /** Of all bodies that are held at once. */
  readonly maxHeldBytes: number
}

export interface Bodies {
  /** Reads the body of a request. Throws `body_too_large`, `overloaded` or `client_gone`. */
  read(req: IncomingMessage, res: ServerResponse): Promise<Buffer>
  /** Gives the room of a body back, once it is no longer needed. */
  release(body: Buffer): void
  readonly heldBytes: () => number
}

export function createBodies({ maxBytes, maxHeldBytes }: BodyLimits): Bodies {
  let held = 0

  const tooLarge = (): GatewayError =>
    new GatewayError('body_too_large', {
      message: `The body is larger than the ${Math.floor(maxBytes / 1024 / 1024)} MB that this gateway accepts.`,
      headers: { connection: 'close' },
    })
  const overloaded = (): GatewayError =>
    new GatewayError('overloaded', { retryAfterMs: 1000, headers: { connection: 'close' }, detail: 'MAX_BUFFERED_MB' })

  return {
    heldBytes: () => held,
    release: (body) => (held -= body.length),
    read(req, res) {
      // Its events are over: whoever began to listen now would wait for ever.
      if (req.destroyed) return Promise.reject(new GatewayError('client_gone'))
      const length = Number(req.headers['content-length'] ?? 0)
      if (length > maxBytes) return Promise.reject(tooLarge())
      if (held + length > maxHeldBytes) return Promise.reject(overloaded())
      // The caller asked whether to go on (RFC 9110 section 10.1.1): the key was good, so yes.
      if (req.headers.expect !== undefined) res.writeContinue()

      return new Promise((resolve, reject) => {
        const chunks: Buffer[] = []
        let bytes = 0
        const refuse = (error: GatewayError): void => {
          held -= bytes
          bytes = 0
          req.off('data', take)
          req.pause()
          reject(error)
        }
        const take = (chunk: Buffer): void => {
          chunks.push(chunk)
          bytes += chunk.length
          held += chunk.length
          if (bytes > maxBytes) refuse(tooLarge())
          else if (held > maxHeldBytes) refuse(overloaded())
        }
        req.on('data', take)
        req.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
        // Not `complete`: that is true as soon as all has arrived, and a hang-up drops what nobody has read of it.
        req.on('close', () => {
          if (!req.readableEnded) refuse(new GatewayError('client_gone'))
        })
      })
    },
  }
}
