import type { Dispatcher, Pool } from 'undici'

/** An answer is whole when it has exactly so many events, or, not being a stream, so many bytes. */
export type Call = {
  readonly request: Dispatcher.DispatchOptions
  readonly expected:
    | { readonly events: number; readonly bytes: null }
    | { readonly events: null; readonly bytes: number }
}

export type Outcome = { readonly failure: string | null; readonly firstByteMs: number; readonly wholeMs: number }

const LINE_FEED = 10
const SHOWN_OF_A_FAILURE = 300

/** One call through a handler that keeps two numbers: at 20,000 answers a second nothing else is affordable. */
export function startCall(pool: Pool, { request, expected }: Call, done: (outcome: Outcome) => void): void {
  const startedAt = performance.now()
  let firstByteAt = 0
  let status = 0
  let bytes = 0
  let events = 0
  let lastByte: number | undefined
  let refusal = ''

  const finish = (failure: string | null) => {
    done({ failure, firstByteMs: firstByteAt - startedAt, wholeMs: performance.now() - startedAt })
  }

  pool.dispatch(request, {
    onRequestStart() {},
    onResponseStart(_controller, statusCode) {
      status = statusCode
    },
    onResponseData(_controller, chunk) {
      if (firstByteAt === 0) firstByteAt = performance.now()
      bytes += chunk.length
      if (status !== 200) refusal += chunk.toString('latin1', 0, SHOWN_OF_A_FAILURE)
      if (expected.events === null) return
      events += countEventEnds(chunk, lastByte === LINE_FEED)
      lastByte = chunk[chunk.length - 1]
    },
    onResponseEnd() {
      if (status !== 200) finish(`status ${status}: ${refusal}`)
      else if (expected.events === null && bytes !== expected.bytes) finish(`${bytes} bytes, not ${expected.bytes}`)
      else if (expected.events !== null && events !== expected.events)
        finish(`${events} events, not ${expected.events}`)
      else finish(null)
    },
    onResponseError(_controller, error) {
      finish(`after ${bytes} bytes: ${error.message || error.name}`)
    },
  })
}

/** An event ends with an empty line, and the two line feeds may have come in two chunks. */
function countEventEnds(chunk: Buffer, isAfterLineFeed: boolean): number {
  let count = isAfterLineFeed && chunk[0] === LINE_FEED ? 1 : 0
  for (let at = chunk.indexOf('\n\n'); at !== -1; at = chunk.indexOf('\n\n', at + 2)) count++
  return count
}
