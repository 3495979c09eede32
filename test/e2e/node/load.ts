import { randomBytes } from 'node:crypto'
import Anthropic from '@anthropic-ai/sdk'

export interface StageCall {
  /** The same at the client, in the ledger and in the logs. */
  readonly requestId: string
  readonly endedAt: number
  /** What the SDK threw; undefined where the whole answer came. */
  readonly error: Error | undefined
}

export interface StageLoad {
  /** Those that have ended. */
  readonly calls: readonly StageCall[]
  /** Resolves when so many calls more have ended. */
  more(count: number): Promise<void>
  /** Resolves when every client has ended its last call. */
  stop(): Promise<readonly StageCall[]>
}

interface Options {
  readonly url: string
  readonly apiKey: string
  readonly clients?: number
}

/**
 * Clients that call one after the other over connections that stay busy, each as an SDK does that was told never to
 * try again. Half of the calls are streams. The provider is what sets their pace.
 */
export function startLoad({ url, apiKey, clients = 8 }: Options): StageLoad {
  const sdk = new Anthropic({ baseURL: url, apiKey, maxRetries: 0, timeout: 60_000 })
  const calls: StageCall[] = []
  const prefix = randomBytes(6).toString('hex')
  const waiting = new Set<{ readonly count: number; readonly resolve: () => void }>()
  let serial = 0
  const over = new AbortController()

  const call = async (): Promise<void> => {
    const requestId = `${prefix}-${++serial}`
    const body: Anthropic.MessageCreateParamsNonStreaming = {
      model: 'claude-fake',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hello' }],
    }
    const error = await oneCall(sdk, body, requestId, serial % 2 === 0)
    calls.push({ requestId, error, endedAt: Date.now() })
    for (const one of waiting) if (calls.length >= one.count) one.resolve()
  }
  const running = Array.from({ length: clients }, async () => {
    while (!over.signal.aborted) await call()
  })
  return {
    calls,
    async more(count) {
      const waiter = { ...Promise.withResolvers<void>(), count: calls.length + count }
      waiting.add(waiter)
      await waiter.promise
      waiting.delete(waiter)
    },
    async stop() {
      over.abort()
      await Promise.all(running)
      return calls
    },
  }
}

async function oneCall(
  sdk: Anthropic,
  body: Anthropic.MessageCreateParamsNonStreaming,
  requestId: string,
  isStream: boolean,
): Promise<Error | undefined> {
  const options = { headers: { 'x-request-id': requestId } }
  try {
    if (!isStream) await sdk.messages.create(body, options)
    else await sdk.messages.stream(body, options).finalMessage()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error('not an error', { cause: error })
  }
}
