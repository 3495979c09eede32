import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'

/** Server-sent events, until they end or the caller leaves (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export async function sendEvents(res: ServerResponse, events: AsyncIterable<string | Buffer>): Promise<void> {
  res.setHeader('content-type', 'text/event-stream; charset=utf-8')
  res.setHeader('x-accel-buffering', 'no') // nginx would keep them until it has enough
  if (res.req.method === 'HEAD') {
    for await (const _ of events) break // which ends them
    res.end()
    return
  }
  await pipeline(events, res).catch(() => res.destroy()) // the caller has left, or was too slow
}
