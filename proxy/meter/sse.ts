const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const BLANK_LINE = Buffer.from('\n\n')
const BLANK_CRLF_LINE = Buffer.from('\n\r\n')

/**
 * Boundaries of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): a blank line ends
 * an event. Lines end with LF or CRLF; a lone CR, which the standard also allows, is sent by no provider and is taken
 * as text.
 */

/** The position behind the last event that ends in `bytes`; 0 when none does. */
export function lastEventEnd(bytes: Buffer): number {
  const { length } = bytes
  if (bytes[length - 1] === LINE_FEED && bytes[length - 2] === LINE_FEED) return length
  const lf = bytes.lastIndexOf(BLANK_LINE)
  const crlf = bytes.lastIndexOf(BLANK_CRLF_LINE)
  return Math.max(lf === -1 ? 0 : lf + 2, crlf === -1 ? 0 : crlf + 3)
}

/** The events of `bytes`, which end with an event's end, each with its blank line. */
export function* eventsOf(bytes: Buffer): Generator<Buffer> {
  let start = 0
  let at = bytes.indexOf(LINE_FEED)
  while (at !== -1) {
    const next = bytes[at + 1] === CARRIAGE_RETURN ? at + 2 : at + 1
    if (bytes[next] === LINE_FEED) {
      yield bytes.subarray(start, next + 1)
      start = next + 1
      at = bytes.indexOf(LINE_FEED, start)
    } else at = bytes.indexOf(LINE_FEED, at + 1)
  }
  if (start < bytes.length) yield bytes.subarray(start)
}

/** The data of one event: its `data:` lines joined; undefined for a comment. */
export function dataOf(event: Buffer): string | undefined {
  const lines = event
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
  if (lines.length === 0) return undefined
  return lines.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n')
}

/**
 * Collects chunks until events are complete. Only whole events come out: so nothing of an event that has to wait has
 * already passed, and a comment can be put between any two outputs.
 */
export class EventJoiner {
  private partial: Buffer[] = []
  private partialBytes = 0

  /** The bytes of all events that are complete with this chunk. */
  push(chunk: Buffer): Buffer | undefined {
    // Nearly every chunk is whole events, and is passed on as it is.
    if (this.partial.length === 0 && lastEventEnd(chunk) === chunk.length) return chunk
    // A boundary may lie across chunks: it is at most three bytes long, so two from before are enough to see it.
    const before = this.partial.length === 0 ? undefined : lastBytes(this.partial, 2)
    const view = before ? Buffer.concat([before, chunk]) : chunk
    const end = lastEventEnd(view) - (before?.length ?? 0)
    if (end <= 0) {
      this.partial.push(chunk)
      this.partialBytes += chunk.length
      return undefined
    }
    const whole = chunk.subarray(0, end)
    const complete = before ? Buffer.concat([...this.partial, whole]) : whole
    this.partial = end === chunk.length ? [] : [chunk.subarray(end)]
    this.partialBytes = chunk.length - end
    return complete
  }

  /** How much of an incomplete event is held. */
  get heldBytes(): number {
    return this.partialBytes
  }

  /** What is left when the stream ends without a blank line. */
  rest(): Buffer | undefined {
    return this.partial.length === 0 ? undefined : Buffer.concat(this.partial)
  }
}

function lastBytes(chunks: readonly Buffer[], count: number): Buffer {
  const last = chunks.at(-1) ?? Buffer.alloc(0)
  if (last.length >= count || chunks.length === 1) return last.subarray(-count)
  return Buffer.concat(chunks.slice(-count)).subarray(-count)
}
