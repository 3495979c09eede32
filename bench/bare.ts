/** The yardstick: the least that an Express gateway on undici can do. It reads a body, passes it on, and pipes back. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import express, { type Request, type Response } from 'express'
import { Pool, type Dispatcher } from 'undici'
import { endWithHarness } from './child-program.ts'

const [upstreamOrigin = '', port = '0'] = process.argv.slice(2)
const pool = new Pool(upstreamOrigin)

const requestOnly = new Set(['host', 'content-length', 'connection', 'keep-alive', 'transfer-encoding', 'expect'])
const responseOnly = new Set(['connection', 'keep-alive', 'transfer-encoding'])

function without(headers: IncomingHttpHeaders, left: ReadonlySet<string>): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {}
  for (const name in headers) if (!left.has(name)) kept[name] = headers[name]
  return kept
}

function passOn(request: Request, response: Response): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const [first] = chunks
    const body = chunks.length > 1 ? Buffer.concat(chunks) : (first ?? null)
    const headers = without(request.headers, requestOnly)
    pool.dispatch({ path: request.url, method: request.method, headers, body }, pipeTo(response))
  })
}

function pipeTo(response: Response): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.on('drain', () => controller.resume())
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new Error('the client left'))
      })
    },
    onResponseStart(_controller, status, headers) {
      response.writeHead(status, without(headers, responseOnly))
    },
    onResponseData(controller, chunk) {
      if (!response.write(chunk)) controller.pause()
    },
    onResponseEnd() {
      response.end()
    },
    onResponseError() {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    },
  }
}

endWithHarness()
const app = express()
app.use(passOn)
createServer({ keepAliveTimeout: 120_000 }, app).listen(Number(port), '127.0.0.1')
