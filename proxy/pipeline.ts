import { Attempts, type AttemptsParts, type Send, type Sent } from './attempts.ts'
import type { Authenticator } from './auth/authenticate.ts'
import type { Way } from './channels.ts'
import { type Call, readCall } from './domain/call.ts'
import type { Entry, FailedAttempt, Opened, Outcome } from './domain/entry.ts'
import { type ErrorCode, GatewayError } from './domain/errors.ts'
import type { Key, KeyRecord } from './domain/key.ts'
import type { Price } from './domain/price.ts'
import { storable } from './domain/storable.ts'
import { sumOfCosts } from './domain/sum-of-costs.ts'
import { spendOf, sumOfUsages } from './domain/usage.ts'
import type { Incoming } from './http/gateway.ts'
import { rateLimitHeaders } from './http/rate-limit-headers.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Admission, Limiter } from './limit/limiter.ts'
import { refuseClosedEndpoint, refuseModel } from './permissions.ts'
import type { EndReason, Journey, Step } from './route/journey.ts'

export interface PipelineParts extends AttemptsParts {
  readonly authenticate: Authenticator['authenticate']
  readonly limiter: Limiter
  /** Undefined where there are no prices to tell of: then an upstream is asked. */
  readonly answerModels: ((incoming: Incoming, key: Key) => void) | undefined
  /** Which channels the call may go to, and in which order. */
  readonly route: (call: Call, key: Key, deadlineAt: number) => Way
  readonly ledger: Pick<Ledger, 'open' | 'close'>
  readonly priceOf: (model: string | undefined) => Price | undefined
  readonly defaultModel: string | undefined
  readonly countsCacheReads: boolean
  /** How long after its admission an answer has to have begun; 0 makes one attempt, however long it takes. */
  readonly failoverMs: number
  readonly observe: (call: Call, key: Key, entry: Entry) => void
  /** Keeps the request and its answer, where somebody wants that. */
  readonly record: (incoming: Incoming, key: Key, body: Buffer) => void
}

/** The life of a request, on one screen. Each step is a room; none of them knows the others. */
export function createPipeline(parts: PipelineParts): (incoming: Incoming) => Promise<void> {
  const { authenticate, limiter, route, ledger, answerModels } = parts

  return async (incoming) => {
    const key = await authenticate(incoming.credential, incoming.address)
    tellLimits(parts, key, incoming)
    refuseClosedEndpoint(key, incoming.endpoint)
    if (incoming.endpoint.name === 'models' && answerModels) return answerModels(incoming, key)

    const body = await incoming.readBody()
    const call = readCall({ ...incoming, body }, key.model, parts.defaultModel)
    refuseModel(key, call)
    const { maxTokens, model, serviceTier } = call
    const admission = await limiter.admit(key, {
      bodyBytes: body.length,
      maxTokens,
      model,
      price: parts.priceOf(model),
      serviceTier,
    })
    const deadlineAt = parts.failoverMs === 0 ? Infinity : admission.admittedAt + parts.failoverMs
    const start = async (): Promise<readonly [journey: Journey, first: Send, opened: Opened]> => {
      const { journey, passedBy } = route(call, key, deadlineAt)
      const first = firstOf(journey.next(parts.now()), passedBy)
      const opened = openedOf(incoming, call, key, first, admission)
      if (incoming.client.isClosed) throw new GatewayError('client_gone')
      await ledger.open(opened)
      return [journey, first, opened]
    }
    const [journey, first, opened] = await start().catch((error: unknown) => {
      admission.release()
      throw error
    })

    parts.record(incoming, key, body)
    if (call.stream) incoming.keepAlive()
    const close = (outcome: Outcome, sent: Sent, failed: readonly FailedAttempt[]): Promise<void> => {
      const entry = entryOf(parts, call, opened, outcome, sent, failed)
      const written = ledger.close(entry)
      const outputTokens = tellsOutput(call, outcome) ? outcome.usage.outputTokens : undefined
      sent.draw?.settle({ httpStatus: entry.httpStatus, costNanoUsd: costOnItsQuota(entry) })
      admission.settle({ tokens: entry.spend, costNanoUsd: entry.costNanoUsd ?? 0, outputTokens })
      parts.observe(call, key, entry)
      return written
    }
    const trip = { call, client: incoming.client, journey, opened, upper: admission.estimate, deadlineAt, close }
    await new Attempts(parts, trip).run(first)
  }
}

/** Every answer from here on tells how its key stands at that moment, if there is something to tell. */
function tellLimits({ limiter, now }: PipelineParts, key: KeyRecord, { client }: Incoming): void {
  client.addHeaders(() => rateLimitHeaders(limiter.standing(key), now()))
}

/** Refusals and what passes through put nothing out: that says nothing about the next call. */
function tellsOutput({ endpoint }: Call, { metering, httpStatus }: Outcome): boolean {
  return metering === 'exact' && httpStatus < 300 && endpoint.protocol !== 'opaque'
}

/** Why there is no channel to send a call to, in the words of the catalogue. */
const refusals = {
  none_allowed: 'channel_not_allowed',
  none_for_model: 'no_upstream',
  none: 'no_upstream',
  exhausted: 'channels_unavailable',
  composite_exhausted: 'channels_unavailable',
  composite_unmatched: 'no_composite_mapping',
  deadline: 'upstream_timeout',
  answer: 'internal',
} as const satisfies Record<EndReason, ErrorCode>

function firstOf(step: Step, passedBy: Way['passedBy']): Send {
  if (step.kind === 'send') return step
  if (step.kind !== 'end') throw new GatewayError('internal')
  // A composite without a mapping for the model has none however long the call waits.
  const isForNow = step.reason === 'none' || step.reason === 'composite_exhausted'
  throw (isForNow && passedBy()) || new GatewayError(refusals[step.reason])
}

function openedOf(
  { id, requestId }: Incoming,
  { endpoint, model, stream }: Call,
  key: Key,
  { channel }: Send,
  { admittedAt, estimate }: Admission,
): Opened {
  return {
    id,
    requestId,
    keyId: key.id,
    tenantId: key.tenantId,
    endpoint: storable(endpoint.name),
    model: model === undefined ? null : storable(model),
    stream,
    channel: channel.name,
    admittedAt,
    attempts: [],
    estimate:
      endpoint.protocol === 'opaque'
        ? { inputTokens: 0, outputTokens: 0 }
        : { inputTokens: estimate.inputTokens, outputTokens: estimate.outputTokens },
  }
}

/** Of the channel that the call ended at. */
function costOnItsQuota({ quota, attempts, costNanoUsd }: Entry): number | null {
  if (costNanoUsd === null) return null
  const elsewhere = attempts.filter((attempt) => attempt.quota !== quota)
  return elsewhere.reduce((left, { costs }) => left - (costs?.totalNanoUsd ?? 0), costNanoUsd)
}

/** What all attempts of a call have used together, and what is to be known of it. */
function entryOf(
  { costsOf, countsCacheReads }: PipelineParts,
  call: Call,
  opened: Opened,
  outcome: Outcome,
  sent: Sent,
  attempts: readonly FailedAttempt[],
): Entry {
  const { estimate: _, ...begun } = opened
  const usage = sumOfUsages([outcome.usage, ...attempts.map((attempt) => attempt.usage)])
  const costs = sumOfCosts(
    costsOf(outcome, sent),
    attempts.map((attempt) => attempt.costs),
  )
  return {
    ...begun,
    ...outcome,
    ...call.attribution,
    channel: sent.channel.name,
    channelId: sent.channel.id,
    effort: sent.effort ?? null,
    lost: sent.lost.length === 0 ? null : storable(sent.lost.join(',')),
    attempts,
    usage,
    spend: spendOf(usage, countsCacheReads),
    costs,
    costNanoUsd: costs?.totalNanoUsd ?? null,
    quota: sent.draw?.subject ?? null,
  }
}
