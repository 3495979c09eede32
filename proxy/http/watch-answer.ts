import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** Told of everything that is written to a caller. */
export interface AnswerWatcher {
  head(status: number, headers: OutgoingHttpHeaders): void
  data(chunk: Buffer): void
  /** The last, whether the answer is whole or the caller has hung up. */
  end(): void
}

/**
 * Watches what is written from here on, by whomever: the answer, an error, a heartbeat. It stands in front of the
 * response itself, so an answer that nobody watches costs nothing.
 */
export function watchAnswer(res: ServerResponse, watcher: AnswerWatcher): void {
  const [writeHead, write, end] = [res.writeHead.bind(res), res.write.bind(res), res.end.bind(res)]
  const tell = (chunk: string | Buffer | undefined): void => {
    if (chunk !== undefined) watcher.data(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  }
  Object.assign(res, {
    writeHead(status: number, headers: OutgoingHttpHeaders = {}) {
      watcher.head(status, headers)
      return writeHead(status, headers)
    },
    write(chunk: string | Buffer) {
      tell(chunk)
      return write(chunk)
    },
    end(chunk?: string | Buffer) {
      tell(chunk)
      return end(chunk)
    },
  })
  if (res.closed) watcher.end()
  else res.once('close', () => watcher.end())
}
