import { FormatError } from './format.ts'
import type { Json } from './json.ts'

const LINE_FEED = 0x0a
/** Larger than any event of a provider: an image in base64 is a few MB. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024

/**
 * Finds the data of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) in chunks that
 * are cut anywhere. A line feed is never a part of another character in UTF-8, so whole lines can be decoded.
 */
export class SseSplitter {
  private readonly partial: Buffer[] = []
  private readonly data: string[] = []
  private heldBytes = 0

  private hold(bytes: Buffer): void {
    this.heldBytes += bytes.length
    if (this.heldBytes > MAX_EVENT_BYTES) throw new FormatError('The upstream sent an event that is too large.')
    this.partial.push(bytes)
  }

  /** The data of the events that end in this chunk. Throws FormatError when an event is too large. */
  *push(chunk: Buffer): Generator<string> {
    let start = 0
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, start)) {
      this.hold(chunk.subarray(start, at))
      start = at + 1
      const line = Buffer.concat(this.partial.splice(0)).toString('utf8')
      const data = this.readLine(line.endsWith('\r') ? line.slice(0, -1) : line)
      if (data !== undefined) yield data
    }
    if (start < chunk.length) this.hold(chunk.subarray(start))
  }

  private readLine(line: string): string | undefined {
    if (line.startsWith('data:')) this.data.push(line.slice(line[5] === ' ' ? 6 : 5))
    if (line !== '') return undefined
    this.heldBytes = 0
    return this.data.length === 0 ? undefined : this.data.splice(0).join('\n')
  }
}

/** An event; without a name as chat streams have it. */
export function sseEvent(name: string | undefined, data: Json | string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`
}
