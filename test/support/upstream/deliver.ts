import type { ServerResponse } from 'node:http'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './answer.ts'
import type { SeenCall, Served, Settled } from './behaviour.ts'
import { nothingServed } from './behaviour.ts'
import { speaksAnthropic } from './provider-error.ts'
import { wireOf } from './wire.ts'
import type { Wire } from './wire.ts'

type Ended = Exclude<SeenCall['ended'], 'pending'>

/** Where stalled answers wait. Opening it lets those out that wait, and holds the next ones again. */
export interface Gate {
  wait(signal: AbortSignal): Promise<void>
  /** How many wait. */
  count(): number
  open(): void
}

export function createGate(): Gate {
  const waiting = new Set<() => void>()
  return {
    wait(signal) {
      if (signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const leave = () => {
          waiting.delete(leave)
          signal.removeEventListener('abort', leave)
          resolve()
        }
        waiting.add(leave)
        signal.addEventListener('abort', leave)
      })
    },
    count: () => waiting.size,
    open() {
      for (const leave of waiting) leave()
    },
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0 || signal.aborted) return
  await sleep(delayMs, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** Done when the kernel has taken the bytes, so a client that does not read holds us up. False when it has left. */
function write(response: ServerResponse, bytes: Buffer, gone: AbortSignal): Promise<boolean> {
  if (gone.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const leave = () => {
      resolve(false)
    }
    gone.addEventListener('abort', leave, { once: true })
    response.write(bytes, (error) => {
      gone.removeEventListener('abort', leave)
      resolve(error === null || error === undefined)
    })
  })
}

function end(response: ServerResponse, gone: AbortSignal): Promise<Ended> {
  if (gone.aborted) return Promise.resolve('client_gone')
  // A finished response lets go of its socket, but only the socket knows whether the last write failed.
  const socket = response.socket
  return new Promise((resolve) => {
    gone.addEventListener('abort', () => {
      resolve('client_gone')
    })
    response.end(() => {
      resolve(socket?.destroyed === true ? 'client_gone' : 'complete')
    })
  })
}

function writeHead(response: ServerResponse, call: SeenCall, plan: Settled, answer: Answer, wire: Wire): void {
  const isStream = answer.kind === 'stream'
  response.writeHead(isStream ? (plan.status ?? 200) : answer.status, {
    'content-type': plan.contentType ?? (isStream ? 'text/event-stream; charset=utf-8' : answer.contentType),
    [speaksAnthropic(call) ? 'request-id' : 'x-request-id']: call.requestId,
    ...(isStream ? { 'cache-control': 'no-cache' } : {}),
    // A chunk per write keeps the boundaries visible to the client. A length would let TCP join them.
    ...(isStream || plan.split !== undefined ? {} : { 'content-length': wire.bytes }),
    ...(plan.gzip === true ? { 'content-encoding': 'gzip' } : {}),
    ...plan.headers,
  })
  if (isStream || wire.stops[0]?.at === 0) response.flushHeaders()
}

interface Delivery {
  readonly call: SeenCall
  readonly plan: Settled
  readonly answer: Answer
  readonly gate: Gate
  /** Aborted when the connection is closed, whoever closed it. */
  readonly gone: AbortSignal
  progress(served: Served): void
}

/** Sends the wire piece by piece, and stops where the plan says. */
async function sendBody(response: ServerResponse, wire: Wire, delivery: Delivery): Promise<'sent' | Ended> {
  const { plan, gate, gone } = delivery
  const stops = [...wire.stops]
  const marks = [...wire.marks]
  let sent = 0
  let served = nothingServed

  const obeyStops = async (): Promise<boolean> => {
    while (stops[0] !== undefined && stops[0].at <= sent) {
      if (stops.shift()?.kind === 'cut') return true
      await gate.wait(gone)
    }
    return false
  }

  if (await obeyStops()) return 'cut'
  for (const piece of wire.pieces) {
    const isEventStart = marks[0]?.served.events !== 1 && served.bytes === sent
    if (isEventStart) await pause(plan.betweenMs, gone)
    if (!(await write(response, piece, gone))) return 'client_gone'
    // Clients join what they find waiting. A turn of the event loop lets one in this process read each piece by itself.
    if (plan.split !== undefined) await turn()
    sent += piece.length
    while (marks[0] !== undefined && marks[0].end <= sent) served = marks.shift()?.served ?? served
    delivery.progress({ ...served, bytes: sent })
    if (await obeyStops()) return 'cut'
  }
  return 'sent'
}

export async function deliver(response: ServerResponse, delivery: Delivery): Promise<Ended> {
  const { call, plan, answer, gate, gone } = delivery
  if (plan.hangUp === true) {
    response.destroy()
    return 'cut'
  }
  if (plan.neverAnswer === true) await gate.wait(gone)
  await pause(plan.delayMs, gone)
  const wire = await wireOf(answer, plan)
  if (gone.aborted) return 'client_gone'

  writeHead(response, call, plan, answer, wire)
  const outcome = await sendBody(response, wire, delivery)
  if (outcome === 'cut') response.destroy()
  return outcome === 'sent' ? end(response, gone) : outcome
}
