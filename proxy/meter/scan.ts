import type { Told } from '../domain/entry.ts'
import type { Usage } from '../domain/usage.ts'

/** What a scan has learnt of an answer when it ends. */
export interface Finding {
  /** As far as the upstream told it. */
  readonly usage: Usage | undefined
  /** The upstream has told everything: nothing of the answer is missing in `usage`. */
  readonly isFinal: boolean
  /** The answer has come to its proper end. */
  readonly isWhole: boolean
  /** The error that the upstream reported inside its answer. */
  readonly error: string | undefined
  readonly told: Told
}

/** Looks at an answer's body on its way, holding back what must not pass before the call is in the ledger. */
export interface Scan {
  /** Takes a chunk and answers what may pass on now. */
  push(chunk: Buffer): Buffer | undefined
  /** The terminal event has come: it and what follows is held until the call is closed. */
  readonly hasEnded: boolean
  /** Called once, when the answer has ended or (`isBroken`) was broken off. */
  find(isBroken: boolean): Finding
  /** What was held back; after `find`. */
  rest(): Buffer | undefined
}
