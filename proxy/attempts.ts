import type { Call } from './domain/call.ts'
import type { FailedAttempt, Opened, Outcome } from './domain/entry.ts'
import { GatewayError } from './domain/errors.ts'
import type { Costs } from './domain/price.ts'
import type { Flow, Sink } from './domain/sink.ts'
import type { ClientAnswer } from './http/client-answer.ts'
import type { QuotaDraw } from './limit/channel-quota.ts'
import type { Estimate } from './limit/estimate.ts'
import { type Failed, Hold } from './meter/hold.ts'
import { Meter } from './meter/meter.ts'
import {
  asRendered,
  costOnQuota,
  failedAttempt,
  failureOf,
  isEnding,
  isUnauthorised,
  unsentOutcome,
  withoutOwnError,
} from './failed-attempt.ts'
import type { Prepared } from './prepare.ts'
import type { Failure } from './route/failure.ts'
import type { Journey, Step } from './route/journey.ts'
import { sooner } from './sooner.ts'
import type { Upstream } from './upstream/send.ts'

export type Send = Extract<Step, { readonly kind: 'send' }>

/** What was sent, what of the caller's request was not, and what it draws on. */
export type Sent = Send & Entered & { readonly lost: readonly string[] }

/** What a channel has given to a call. */
interface Entered {
  /** Undefined where nothing of the channel is limited for the call but its minute. */
  readonly draw: QuotaDraw | undefined
  /** Of its OAuth account, where it has one. */
  readonly token: string | undefined
}

/** The same of the attempt before, at the same channel; and whether its upstream has refused to know the caller. */
interface Held extends Entered {
  readonly isRefused: boolean
}

/** What a call needs of a channel, and for how long it waits for that. */
export interface Asking extends Pick<Trip, 'call' | 'upper' | 'deadlineAt'> {
  /** The caller has hung up. */
  readonly gone: AbortSignal
}

export interface AttemptsParts {
  readonly upstream: Upstream
  readonly now: () => number
  /** Throws a `GatewayError` where the call cannot be said in the channel's format. */
  readonly prepare: (call: Call, sent: Send & Pick<Entered, 'token'>, client: Sink, opened: Opened) => Prepared
  /** Takes what the call needs of the channel, or says why there is none. `held` is what it has of it already. */
  readonly enter: (sent: Send, asking: Asking, held: Held | undefined) => Promise<Entered | GatewayError>
  /** Tells the ledger of another attempt, before its upstream hears of the call. */
  readonly reopen: (opened: Opened) => Promise<void>
  readonly costsOf: (metered: Pick<Outcome, 'metering' | 'usage' | 'told'>, sent: Send) => Costs | null
  /** How long the answer of a client that hung up is still read, so that its true usage is known; 0 is not at all. */
  readonly drainMs: number
}

/** One call on its way through the channels. */
export interface Trip {
  readonly call: Call
  readonly client: ClientAnswer
  readonly journey: Journey
  readonly opened: Opened
  /** What the call can use at most. */
  readonly upper: Estimate
  /** By when an answer has to have begun; Infinity makes one attempt. */
  readonly deadlineAt: number
  /** Called exactly once. */
  readonly close: (outcome: Outcome, sent: Sent, failed: readonly FailedAttempt[]) => Promise<void>
}

/** One exchange with an upstream. */
interface Attempt {
  readonly sent: Send
  readonly entered: Entered
  readonly startedAt: number
  readonly hold: Hold
  readonly meter: Meter
  readonly flow: Flow
}

/** An attempt that put out nothing: the call's answer, if there is no better one. */
interface Fruitless {
  readonly attempt: Attempt
  readonly verdict: Failed
  readonly failure: Failure
  readonly endedAt: number
}

/** Sends a call to one channel after another until one serves it, or until what failed last is the answer. */
export class Attempts {
  private readonly parts: AttemptsParts
  private readonly trip: Trip
  private readonly failed: FailedAttempt[] = []
  private readonly closed = Promise.withResolvers<void>()
  private current: Attempt | undefined
  private fruitless: Fruitless | undefined
  /** Why the call could not be sent to a channel at all. */
  private unsent: GatewayError | undefined
  /** Channels whose token was renewed for this call. */
  private readonly renewed = new Set<string>()
  /** Why nothing else is begun: the caller has hung up, or the time for an answer to begin is over. */
  private over: 'gone' | 'late' | undefined
  private wake: (() => void) | undefined
  private readonly gone = new AbortController()

  constructor(parts: AttemptsParts, trip: Trip) {
    this.parts = parts
    this.trip = trip
  }

  /** Resolves when the call is in the ledger. */
  async run(first: Send): Promise<void> {
    const { call, client, deadlineAt } = this.trip
    // Who waits for a whole answer waits as long as it takes to make; that a stream says nothing is a fault.
    const isTimed = call.stream && deadlineAt < Infinity
    const timer = isTimed ? setTimeout(() => this.giveUp(), Math.max(0, deadlineAt - this.parts.now())) : undefined
    client.onGone(() => this.leave())
    let sent: Send | undefined = first
    try {
      while (sent !== undefined) sent = await this.attempt(sent)
    } catch (cause) {
      // Whatever it is, the call was opened, and has to be closed.
      this.refuse(sent ?? first, new GatewayError('internal', { cause }))
    }
    clearTimeout(timer)
    await this.closed.promise
  }

  /** Answers what to send next; undefined when the call's answer is on its way. */
  private async attempt(sent: Send): Promise<Send | undefined> {
    const { journey, deadlineAt } = this.trip
    const { now, enter } = this.parts
    const entered = await enter(sent, { ...this.trip, gone: this.gone.signal }, this.heldFor(sent))
    if (entered instanceof GatewayError) return this.passBy(sent, entered)
    const prepared = this.prepare(sent, entered)
    if (prepared instanceof GatewayError) {
      this.giveBack(entered)
      return this.passBy(sent, prepared)
    }
    if (this.over !== undefined || !(await this.moveOn(sent, entered))) {
      this.giveBack(entered)
      return this.conclude(sent)
    }
    const attempt = this.begin(sent, entered, prepared)
    const verdict = await attempt.hold.verdict
    if (verdict.kind === 'serves') {
      journey.succeeded(now())
      return undefined
    }
    const failure = failureOf(verdict, now())
    this.fruitless = { attempt, verdict, failure, endedAt: now() }
    if (isEnding(verdict)) return this.conclude(sent)
    if (entered.token !== undefined && isUnauthorised(failure) && !this.renewed.has(sent.channel.id)) {
      this.renewed.add(sent.channel.id)
      return sent // once more, with another token
    }
    journey.failed(failure, now())
    return deadlineAt === Infinity ? this.conclude(sent) : this.next(sent)
  }

  /** What an attempt at the same channel has drawn stays drawn: it may be the last of the quota. */
  private heldFor({ channel }: Send): Held | undefined {
    if (this.fruitless?.attempt.sent.channel.id !== channel.id) return undefined
    return { ...this.fruitless.attempt.entered, isRefused: isUnauthorised(this.fruitless.failure) }
  }

  private giveBack({ draw }: Entered): void {
    if (draw !== this.fruitless?.attempt.entered.draw) draw?.release()
  }

  /** The channel does not take the call: that is no fault of the channel. */
  private passBy(sent: Send, reason: GatewayError): Promise<Send | undefined> {
    this.unsent = sooner(this.unsent, reason)
    this.trip.journey.failed({ kind: 'busy' }, this.parts.now())
    return this.next(sent)
  }

  private prepare(sent: Send, { token }: Entered): Prepared | GatewayError {
    const { call, client, opened } = this.trip
    try {
      return this.parts.prepare(call, { ...sent, token }, client, opened)
    } catch (error) {
      if (error instanceof GatewayError) return error
      throw error
    }
  }

  private begin(sent: Send, entered: Entered, prepared: Prepared): Attempt {
    const { client, opened, close } = this.trip
    const { upstream, now } = this.parts
    const meter = new Meter({
      call: prepared.call,
      client: prepared.sink,
      admittedAt: opened.admittedAt,
      estimate: opened.estimate,
      now,
      close: (outcome, last) => {
        const rendered = prepared.rendered(last)
        const ended = asRendered(withoutOwnError(outcome, this.fruitless?.verdict), rendered)
        const written = close(ended, { ...sent, lost: rendered.lost, ...entered }, this.failed)
        this.closed.resolve(written)
        return written
      },
    })
    const { contentFilter: filter } = sent.channel
    const hold = new Hold(meter, prepared.call.endpoint.protocol, filter?.isEnabled ? filter : null)
    const flow = upstream.send(prepared.target, prepared.call, hold)
    client.follow(flow)
    this.current = { sent, entered, startedAt: now(), hold, meter, flow }
    return this.current
  }

  /** Waits as long as the journey says, and answers where it goes then. */
  private async next(sent: Send): Promise<Send | undefined> {
    const { journey } = this.trip
    while (this.over === undefined) {
      const step = journey.next(this.parts.now())
      if (step.kind === 'send') return step
      if (step.kind === 'end') break
      await this.pause(step.waitMs)
    }
    return this.conclude(sent)
  }

  /** There is nothing better than what failed last; where nothing was sent, that is the answer. */
  private conclude(sent: Send): undefined {
    if (this.fruitless) this.fruitless.attempt.hold.release()
    else if (this.over === 'gone') this.refuse(sent, new GatewayError('client_gone'))
    else this.refuse(sent, this.unsent ?? new GatewayError('channels_unavailable'))
    return undefined
  }

  private refuse(sent: Send, error: GatewayError): void {
    const { client, opened, close } = this.trip
    const outcome = unsentOutcome(error, Math.max(0, this.parts.now() - opened.admittedAt))
    const written = close(outcome, { ...sent, lost: [], draw: undefined, token: undefined }, this.failed)
    this.closed.resolve(written.then(() => client.fail(error)))
  }

  /** Gives up what failed before, and writes down that there is another attempt; false where there can be none. */
  private async moveOn(next: Send, { draw }: Entered): Promise<boolean> {
    if (this.fruitless === undefined) return true
    const { attempt, verdict, endedAt } = this.fruitless
    const durationMs = Math.max(0, endedAt - attempt.startedAt)
    const drawn = attempt.entered.draw
    this.failed.push(failedAttempt(attempt.sent, drawn?.subject, this.fruitless, next, durationMs, this.parts.costsOf))
    const reopened = this.parts.reopen({ ...this.trip.opened, channel: next.channel.name, attempts: this.failed })
    const isWritten = await reopened.then(() => true).catch(() => false)
    // By the clock, too: the timer of the deadline is late where much else happens.
    if (!isWritten || this.over !== undefined || this.parts.now() >= this.trip.deadlineAt) {
      this.failed.pop() // it is the last one, and closes the call
      return false
    }
    attempt.hold.discard()
    if (drawn !== draw) drawn?.release(costOnQuota(this.failed, drawn.subject))
    // An upstream that failed within its stream may go on for as long as it likes.
    if (verdict.errorType !== undefined) attempt.flow.abort(new GatewayError('upstream_broken'))
    this.fruitless = undefined
    return true
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** The client has hung up: what is under way is measured to its end, and nothing else is begun. */
  private leave(): void {
    this.over = 'gone'
    this.gone.abort()
    this.wake?.()
    const { current } = this
    if (current === undefined) return
    current.meter.clientGone()
    current.flow.resume()
    const timer = setTimeout(() => current.flow.abort(new GatewayError('client_gone')), this.parts.drainMs)
    void this.closed.promise.then(() => clearTimeout(timer))
  }

  /** The time for an answer to begin is over. */
  private giveUp(): void {
    this.over ??= 'late'
    this.current?.flow.abort(new GatewayError('upstream_timeout', { detail: 'no output before the deadline' }))
  }
}
