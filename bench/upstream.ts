/** The provider of the bench: a program that answers from memory, as slowly as the harness tells it to over IPC. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { paths, streamEvents, wholeAnswer } from './api.ts'
import type { Api } from './api.ts'
import { answerHarness, tellHarness } from './child-program.ts'
import { listenOnLoopback } from './listen.ts'
import { type Pacing, pacingSchema } from './messages.ts'

const STREAM_MARK = '"stream":true'
const STREAM_MARK_WITHIN_BYTES = 1024

let pacing: Pacing = { delayMs: 0, gapMs: 0, contentEvents: 50 }
let streams = buildStreams(pacing.contentEvents)
const answers = { messages: wholeAnswer('messages'), chat: wholeAnswer('chat') }

function buildStreams(contentEvents: number) {
  const frames = (api: Api, withUsage: boolean) => streamEvents(api, contentEvents, withUsage).map(frame)
  return { messages: frames('messages', true), chat: frames('chat', true), chatWithoutUsage: frames('chat', false) }
}

/** The chunked framing is prebuilt too: node:http would write three buffers for each event. */
function frame(event: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`)
}

function receive(request: IncomingMessage, response: ServerResponse): void {
  const api = request.url === paths.messages ? 'messages' : request.url === paths.chat ? 'chat' : null
  if (api === null || request.method !== 'POST') {
    response.writeHead(request.method === 'GET' ? 200 : 404).end()
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (pacing.delayMs === 0) answer(api, chunks, response)
    else setTimeout(answer, pacing.delayMs, api, chunks, response)
  })
}

function answer(api: Api, chunks: readonly Buffer[], response: ServerResponse): void {
  if (chunks[0]?.subarray(0, STREAM_MARK_WITHIN_BYTES).includes(STREAM_MARK) === true) {
    const wantsUsage = api === 'messages' || Buffer.concat(chunks).includes('"include_usage":true')
    stream(wantsUsage ? streams[api] : streams.chatWithoutUsage, response)
    return
  }
  const body = answers[api]
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

/** Each event in a turn of its own, as from a model: written in one turn they would leave as one packet. */
function stream(frames: readonly Buffer[], response: ServerResponse): void {
  const { gapMs } = pacing
  response.writeHead(200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' })
  // The header is sent, the frames carry the framing: from here on node:http has to pass bytes through.
  response.chunkedEncoding = false
  let sent = 0
  const sendNext = () => {
    if (response.destroyed) return
    response.write(frames[sent++])
    if (sent === frames.length) response.end('0\r\n\r\n')
    else if (gapMs === 0) setImmediate(sendNext)
    else setTimeout(sendNext, gapMs)
  }
  sendNext()
}

const server = createServer({ keepAliveTimeout: 120_000 }, receive)

answerHarness(pacingSchema, (next) => {
  pacing = next
  streams = buildStreams(next.contentEvents)
  return {}
})
tellHarness({ port: await listenOnLoopback(server) })
