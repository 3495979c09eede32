import { pipeline } from 'node:stream'
import { Client, type Dispatcher } from 'undici'
import { GatewayError } from '../domain/errors.ts'
import type { Target } from '../domain/target.ts'
import { decoderFor } from './decoder.ts'
import { type Progress, toGatewayError } from './failure.ts'
import { checkHost, guardedLookup } from './guarded-lookup.ts'
import { requestHeaders } from './headers.ts'

type ProbeTarget = Pick<Target, 'channel' | 'origin' | 'path' | 'headers' | 'tls'>

interface ProbeBounds {
  /** Of the whole exchange, from the name of the host to the end of the answer. */
  readonly timeoutMs: number
  /** Of the answer's body, as it is when it is unpacked. */
  readonly maxBytes: number
}

interface Probed {
  readonly status: number
  readonly body: string
}

/**
 * Asks an upstream something besides the calls, over a connection of its own: it says how the upstream can be reached
 * now, and takes no place in the pools of calls. Redirects are not followed. Throws `GatewayError`, whose message holds
 * nothing that the upstream said: that may quote the credential.
 */
export async function probe(
  target: ProbeTarget,
  method: 'HEAD' | 'GET',
  { timeoutMs, maxBytes }: ProbeBounds,
): Promise<Probed> {
  const { channel, origin, path, headers, tls } = target
  let progress: Progress = 'unsent'
  let client: Client | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    checkHost(new URL(origin).hostname)
    const trust = { rejectUnauthorized: !tls.isInsecure, ...(tls.authorities !== null && { ca: tls.authorities }) }
    const opened = new Client(origin, { connect: { timeout: timeoutMs, lookup: guardedLookup, ...trust } })
    client = opened.once('connect', () => (progress = 'sent'))
    // A signal would not end what is still being connected.
    timer = setTimeout(() => void opened.destroy(new GatewayError('upstream_timeout')), timeoutMs)
    const answer = await opened.request({ method, path, headers: { ...requestHeaders({}), ...headers } })
    return { status: answer.statusCode, body: await bodyOf(answer, maxBytes) }
  } catch (error) {
    throw toGatewayError(error instanceof Error ? error : new Error(String(error)), channel, progress)
  } finally {
    clearTimeout(timer)
    await client?.destroy()
  }
}

async function bodyOf({ headers, body }: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const decoder = decoderFor(headers['content-encoding'])
  // What fails in front of the decoder comes out of it.
  const unpacked: AsyncIterable<Buffer> = decoder === undefined ? body : pipeline(body, decoder, () => {})
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of unpacked) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      const message = `The upstream answered with more than ${maxBytes} bytes.`
      throw new GatewayError('upstream_invalid', { message })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
