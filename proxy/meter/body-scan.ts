import type { Protocol } from '../domain/endpoint.ts'
import { usageFromTail } from './body-usage.ts'
import type { Finding, Scan } from './scan.ts'
import { usageOf } from './usage-of.ts'

/** Providers write the usage at the end; what lies further before the end than this is not kept. */
const TAIL_BYTES = 256 * 1024

/** Passes a body on as it comes, all but its last chunk, and reads the usage from its end. */
export class BodyScan implements Scan {
  readonly hasEnded = false
  private readonly protocol: Protocol
  private readonly tail: Buffer[] = []
  private tailBytes = 0
  private hasAll = true
  private last: Buffer | undefined

  constructor(protocol: Protocol) {
    this.protocol = protocol
  }

  push(chunk: Buffer): Buffer | undefined {
    this.tail.push(chunk)
    this.tailBytes += chunk.length
    while (this.tailBytes - (this.tail[0]?.length ?? 0) > TAIL_BYTES) {
      this.tailBytes -= this.tail.shift()?.length ?? 0
      this.hasAll = false
    }
    const previous = this.last
    this.last = chunk
    return previous
  }

  rest(): Buffer | undefined {
    return this.last
  }

  find(): Finding {
    const [first] = this.tail
    const tail = this.tail.length > 1 ? Buffer.concat(this.tail) : first
    const usage = tail && usageOf(usageFromTail(tail, this.hasAll), this.protocol)
    return { usage, isFinal: usage !== undefined, isWhole: true, error: undefined }
  }
}
