import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ProbeOptions {
  readonly port: number
  /** Why a restart would help; undefined while it would not. */
  readonly ailment: () => string | undefined
  /** What there is to wait for yet. A replica that does not lead is ready too: it could at once. */
  readonly lack: () => string | undefined
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
}

export interface Probes {
  readonly port: number
  close(): Promise<void>
}

/** `/healthz`, `/readyz` and `/metrics`, for the kubelet and for Prometheus. */
export async function startProbes({ port, ailment, lack, metrics }: ProbeOptions): Promise<Probes> {
  const server = createServer((request, response) => {
    const say = (status: number, text: string, type = 'text/plain'): void => {
      response.writeHead(status, { 'content-type': type }).end(text)
    }
    const judge = (problem: string | undefined): void => say(problem === undefined ? 200 : 503, `${problem ?? 'ok'}\n`)
    request.resume()
    const path = request.url?.replace(/\?.*$/, '')
    if (request.method !== 'GET' && request.method !== 'HEAD') say(405, 'GET only\n')
    else if (path === '/healthz') judge(ailment())
    else if (path === '/readyz') judge(lack())
    else if (path === '/metrics') {
      metrics().then(
        ({ type, text }) => say(200, text, type),
        () => say(500, 'The metrics could not be read.\n'),
      )
    } else say(404, 'Not found\n')
  })
  server.listen(port)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port, // safe: it listens on TCP
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
