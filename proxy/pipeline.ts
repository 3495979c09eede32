import type { Authenticator } from './auth/authenticate.ts'
import { type Call, readCall } from './domain/call.ts'
import { isNamed } from './domain/endpoint.ts'
import type { Opened, Outcome } from './domain/entry.ts'
import { GatewayError } from './domain/errors.ts'
import type { Key, KeyRecord } from './domain/key.ts'
import { costOf, type Price } from './domain/price.ts'
import { storable } from './domain/storable.ts'
import type { Target } from './domain/target.ts'
import { spendOf } from './domain/usage.ts'
import type { Incoming } from './http/gateway.ts'
import { rateLimitHeaders } from './http/rate-limit-headers.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Admission, Limiter } from './limit/limiter.ts'
import { Meter } from './meter/meter.ts'
import type { Upstream } from './upstream/send.ts'

export interface PipelineParts {
  readonly authenticate: Authenticator['authenticate']
  readonly limiter: Limiter
  readonly choose: (call: Call) => Target | undefined
  readonly ledger: Pick<Ledger, 'open' | 'close'>
  readonly upstream: Upstream
  readonly priceOf: (model: string | undefined) => Price | undefined
  readonly now: () => number
  readonly defaultModel: string | undefined
  readonly countsCacheReads: boolean
  /** How long the answer of a client that hung up is still read, so that its true usage is known; 0 is not at all. */
  readonly drainMs: number
  readonly observe: (call: Call, key: Key, target: Target, outcome: Outcome) => void
}

/** The life of a request, on one screen. Each step is a room; none of them knows the others. */
export function createPipeline(parts: PipelineParts): (incoming: Incoming) => Promise<void> {
  const { authenticate, limiter, choose, ledger, upstream } = parts

  return async (incoming) => {
    const key = await authenticate(incoming.credential, incoming.address)
    tellLimits(parts, key, incoming)
    refuseClosedEndpoint(key, incoming)

    const body = await incoming.readBody()
    const call = readCall({ ...incoming, body }, key.model, parts.defaultModel)
    const price = parts.priceOf(call.model)
    const { maxTokens, model } = call
    const admission = await limiter.admit(key, { bodyBytes: body.length, maxTokens, model, price })
    const target = choose(call)
    const opened = openedOf(incoming, call, key, target, admission)
    try {
      if (target === undefined) throw new GatewayError('no_upstream')
      if (incoming.client.isClosed) throw new GatewayError('client_gone')
      await ledger.open(opened)
    } catch (error) {
      admission.release()
      throw error
    }

    const closed = Promise.withResolvers<void>()
    const close = (outcome: Outcome): Promise<void> => {
      const spend = spendOf(outcome.usage, parts.countsCacheReads)
      const costNanoUsd = costOf(outcome, price)
      const written = ledger.close({ ...opened, ...outcome, spend, costNanoUsd })
      const outputTokens = tellsOutput(call, outcome) ? outcome.usage.outputTokens : undefined
      admission.settle({ tokens: spend, costNanoUsd: costNanoUsd ?? 0, outputTokens })
      parts.observe(call, key, target, outcome)
      closed.resolve(written)
      return written
    }
    if (call.stream) incoming.keepAlive()
    const meter = new Meter({ ...opened, call, client: incoming.client, now: parts.now, close })
    const flow = upstream.send(target, call, meter)
    incoming.client.follow(flow)
    incoming.client.onGone(() => {
      meter.clientGone()
      flow.resume()
      const timer = setTimeout(() => flow.abort(new GatewayError('client_gone')), parts.drainMs)
      void closed.promise.then(() => clearTimeout(timer))
    })
    await closed.promise
  }
}

/** Every answer from here on tells how its key stands at that moment, if there is something to tell. */
function tellLimits({ limiter, now }: PipelineParts, key: KeyRecord, { client }: Incoming): void {
  if (key.rpm === null && key.tokenLimit === null) return
  client.addHeaders(() => rateLimitHeaders(limiter.standing(key), now()))
}

/** Refusals and what passes through put nothing out: that says nothing about the next call. */
function tellsOutput({ endpoint }: Call, { metering, httpStatus }: Outcome): boolean {
  return metering === 'exact' && httpStatus < 300 && endpoint.protocol !== 'opaque'
}

/** Stateless endpoints are open to every key; the rest of the shared upstream account to keys that name it. */
function refuseClosedEndpoint(key: Key, { endpoint }: Incoming): void {
  const isAllowed = key.allowedEndpoints === null ? endpoint.isOpen : isNamed(endpoint.name, key.allowedEndpoints)
  if (isAllowed) return
  const message = `The endpoint ${endpoint.name} is not open to this key; an administrator can name it in allowed_endpoints.`
  throw new GatewayError('endpoint_not_allowed', { message })
}

function openedOf(
  { id, requestId }: Incoming,
  { endpoint, model, stream }: Call,
  key: Key,
  target: Target | undefined,
  { admittedAt, estimate }: Admission,
): Opened {
  return {
    id,
    requestId,
    keyId: key.id,
    endpoint: storable(endpoint.name),
    model: model === undefined ? null : storable(model),
    stream,
    channel: target?.channel ?? '',
    admittedAt,
    estimate:
      endpoint.protocol === 'opaque'
        ? { inputTokens: 0, outputTokens: 0 }
        : { inputTokens: estimate.inputTokens, outputTokens: estimate.outputTokens },
  }
}
