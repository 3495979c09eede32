import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as ask } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { ControlPlane } from '../../cluster/control-plane.ts'

/** Stands between a program and the API server, in plain HTTP towards the program, which it vouches for. */
export interface HoldingProxy {
  readonly url: string
  /** `PATCH /api/v1/…` of all that came and was no question; tests empty it. */
  readonly writes: string[]
  /** Keeps the next request of which this is true, as a network might, until it is released. */
  hold(matching: RegExp): Held
  close(): void
}

export interface Held {
  readonly hasArrived: Promise<void>
  /** Resolves to the status of the API server's answer. */
  release(): Promise<number>
}

interface Hold {
  readonly matching: RegExp
  readonly arrival: PromiseWithResolvers<void>
  readonly release: PromiseWithResolvers<void>
  readonly answer: PromiseWithResolvers<number>
}

export async function startHoldingProxy({
  server: target,
  ca,
  certificate: cert,
  key,
}: ControlPlane): Promise<HoldingProxy> {
  const writes: string[] = []
  let hold: Hold | undefined

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request
    const what = `${method} ${url.replace(/\?.*/, '')}`
    if (method !== 'GET') writes.push(what)
    const body = await buffer(request)
    const held = hold?.matching.test(what) ? hold : undefined
    if (held) {
      hold = undefined
      held.arrival.resolve()
      await held.release.promise
    }
    const onward = ask(target + url, { method, headers, ca, cert, key }, (answer) => {
      held?.answer.resolve(answer.statusCode ?? 0)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response).on('error', () => undefined)
      answer.on('error', () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    onward.end(body)
  }

  const proxy = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo // safe: it listens on a port
  return {
    url: `http://127.0.0.1:${port}`,
    writes,
    hold(matching) {
      const made: Hold = {
        matching,
        arrival: Promise.withResolvers(),
        release: Promise.withResolvers(),
        answer: Promise.withResolvers(),
      }
      hold = made
      return {
        hasArrived: made.arrival.promise,
        release() {
          made.release.resolve()
          return made.answer.promise
        },
      }
    },
    close() {
      proxy.close()
      proxy.closeAllConnections()
    },
  }
}
