import { once } from 'node:events'
import { constants, createGzip, gzipSync } from 'node:zlib'
import type { Answer, StreamAnswer, StreamEvent } from './answer.ts'
import type { Behaviour, Point, Served, Settled } from './behaviour.ts'
import { nothingServed } from './behaviour.ts'

/** When the body has been sent up to `end`, this much has been served. */
export interface Mark {
  readonly end: number
  readonly served: Served
}

export interface Stop {
  readonly at: number
  readonly kind: 'stall' | 'cut'
}

/** The body as it will be sent: every write, and what happens between the writes, is known before the first one. */
export interface Wire {
  readonly bytes: number
  readonly pieces: readonly Buffer[]
  readonly marks: readonly Mark[]
  readonly stops: readonly Stop[]
}

const PIECE_BYTES = 64 * 1024

function render({ name, data }: StreamEvent, lineEnd: string): Buffer {
  const event = name === undefined ? '' : `event: ${name}${lineEnd}`
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return Buffer.from(`${event}data: ${text}${lineEnd}${lineEnd}`)
}

function eventsToSend(answer: StreamAnswer, plan: Settled): readonly StreamEvent[] {
  const events =
    plan.withoutTerminal === true ? answer.events.filter(({ terminal }) => terminal !== true) : answer.events
  if (plan.errorAfter === undefined) return events
  const sent = events.slice(0, plan.errorAfter)
  return [...sent, { ...answer.failure, spent: sent.at(-1)?.spent ?? nothingServed }]
}

/** One gzip stream, flushed after every event, as a server does it that streams. */
async function gzipEach(parts: readonly Buffer[]): Promise<Buffer[]> {
  const gzip = createGzip()
  const packed: Buffer[][] = []
  let current: Buffer[] = []
  gzip.on('data', (chunk: Buffer) => current.push(chunk))
  for (const part of parts) {
    current = []
    packed.push(current)
    gzip.write(part)
    await new Promise<void>((resolve) => {
      gzip.flush(constants.Z_SYNC_FLUSH, resolve)
    })
  }
  gzip.end()
  await once(gzip, 'end')
  return packed.map((chunks) => Buffer.concat(chunks))
}

function cut(body: Buffer, sizeBytes: number): Buffer[] {
  const count = Math.ceil(body.length / sizeBytes)
  return Array.from({ length: count }, (_, index) => body.subarray(index * sizeBytes, (index + 1) * sizeBytes))
}

function split(body: Buffer, how: Behaviour['split']): readonly Buffer[] {
  if (typeof how === 'function') return how(body)
  return cut(body, how === 'bytes' ? 1 : how)
}

/** Where a stop falls into the middle of a write, the write becomes two. */
function cutAtStops(pieces: readonly Buffer[], stops: readonly Stop[]): readonly Buffer[] {
  let start = 0
  return pieces.flatMap((piece) => {
    const from = start
    start += piece.length
    const inside = stops.map(({ at }) => at - from).filter((at) => at > 0 && at < piece.length)
    const edges = [0, ...inside, piece.length]
    return edges.slice(1).map((edge, index) => piece.subarray(edges[index], edge))
  })
}

function stopsOf({ stallAfter, cutAfter }: Settled, offset: (point: Point) => number): Stop[] {
  const stops: Stop[] = []
  if (stallAfter !== undefined) stops.push({ at: offset(stallAfter), kind: 'stall' })
  if (cutAfter !== undefined) stops.push({ at: offset(cutAfter), kind: 'cut' })
  return stops.toSorted((a, b) => a.at - b.at)
}

async function streamParts(answer: StreamAnswer, plan: Settled) {
  const events = eventsToSend(answer, plan)
  const plain = events.map((event) => render(event, plan.lineEnd))
  const parts = plan.gzip === true ? await gzipEach(plain) : plain
  let end = 0
  let reported = false
  const marks = events.map((event, index): Mark => {
    end += parts[index]?.length ?? 0
    reported ||= event.reported === true
    return { end, served: { ...event.spent, events: index + 1, bytes: end, reported } }
  })
  return { parts, marks }
}

export async function wireOf(answer: Answer, plan: Settled): Promise<Wire> {
  if (answer.kind === 'stream') {
    const { parts, marks } = await streamParts(answer, plan)
    const body = plan.split === undefined ? undefined : Buffer.concat(parts)
    const bytes = marks.at(-1)?.end ?? 0
    const offset = (point: Point) =>
      Math.min(bytes, typeof point === 'number' ? (marks.at(point - 1)?.end ?? bytes) * Math.sign(point) : point.bytes)
    const stops = stopsOf(plan, offset)
    const pieces = body === undefined || plan.split === undefined ? parts : split(body, plan.split)
    return { bytes, marks, stops, pieces: cutAtStops(pieces, stops) }
  }

  const body = plan.gzip === true ? gzipSync(answer.body) : answer.body
  const bytes = body.length
  const stops = stopsOf(plan, (point) =>
    typeof point === 'number' ? Math.floor(bytes / 2) * Math.sign(point) : Math.min(bytes, point.bytes),
  )
  const pieces = split(body, plan.split ?? PIECE_BYTES)
  const marks = [{ end: bytes, served: { ...answer.spent, events: 1, bytes, reported: answer.reported } }]
  return { bytes, marks, stops, pieces: cutAtStops(pieces, stops) }
}
