import type { Protocol } from '../domain/endpoint.ts'
import { NOTHING_TOLD } from '../domain/entry.ts'
import { endFromUsage } from './body-usage.ts'
import type { Finding, Scan } from './scan.ts'
import { modelAtBeginning, toldOf } from './told.ts'
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
  private model: string | null | undefined

  constructor(protocol: Protocol) {
    this.protocol = protocol
  }

  push(chunk: Buffer): Buffer | undefined {
    this.model ??= modelAtBeginning(chunk)
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
    const end = tail && endFromUsage(tail, this.hasAll)
    const usage = end && usageOf(end['usage'], this.protocol)
    const told = end ? toldOf(end, NOTHING_TOLD) : NOTHING_TOLD
    return {
      usage,
      isFinal: usage !== undefined,
      isWhole: true,
      error: undefined,
      told: told.model === null ? { ...told, model: this.model ?? null } : told,
    }
  }
}
