import type { Api } from './api.ts'
import type { Pace, Pacing } from './messages.ts'

export const targetNames = ['direct', 'bare', 'tollgate', 'tollgate-postgres'] as const
export type TargetName = (typeof targetNames)[number]

/** What the calls are and how they come. */
export type LoadKind = {
  readonly api: Api
  readonly promptBytes: number
  readonly isStream: boolean
  readonly pacing: Pacing
  readonly pace: (seconds: number) => Pace
}

export type Scenario = LoadKind & {
  readonly name: string
  readonly title: string
  readonly group: 'calls' | 'latency' | 'streams' | 'slow'
}

export const CONTENT_EVENTS = 50
export const SLOW_STREAMS = 500
const CALLERS = 32
const KB = 1024

export const atOnce: Pacing = { delayMs: 0, gapMs: 0, contentEvents: CONTENT_EVENTS }

export const closedLoop = (seconds: number): Pace => ({ kind: 'closed', connections: CALLERS, seconds })

const small = { promptBytes: KB, isStream: false, pacing: atOnce, pace: closedLoop } as const
const large = { ...small, promptBytes: 64 * KB } as const

export const scenarios: readonly Scenario[] = [
  { ...small, group: 'calls', name: 'messages-1k', title: 'Anthropic messages, 1 KB', api: 'messages' },
  { ...large, group: 'calls', name: 'messages-64k', title: 'Anthropic messages, 64 KB', api: 'messages' },
  { ...small, group: 'calls', name: 'chat-1k', title: 'OpenAI chat, 1 KB', api: 'chat' },
  { ...large, group: 'calls', name: 'chat-64k', title: 'OpenAI chat, 64 KB', api: 'chat' },
  {
    ...small,
    group: 'latency',
    name: 'latency',
    title: 'Anthropic messages, 1 KB, upstream takes 20 ms',
    api: 'messages',
    pacing: { ...atOnce, delayMs: 20 },
    // Twice as long: the 99th of a hundred calls is one call.
    pace: (seconds) => ({ kind: 'open', connections: 100, seconds: seconds * 2, perSecond: 100 }),
  },
  {
    ...small,
    group: 'streams',
    name: 'stream-messages',
    title: 'Anthropic messages, 55 events',
    api: 'messages',
    isStream: true,
  },
  { ...small, group: 'streams', name: 'stream-chat', title: 'OpenAI chat, 54 events', api: 'chat', isStream: true },
  {
    ...small,
    group: 'slow',
    name: 'slow-streams',
    title: `${SLOW_STREAMS} Anthropic streams at once, events 100 ms apart`,
    api: 'messages',
    isStream: true,
    pacing: { ...atOnce, gapMs: 100 },
    pace: () => ({ kind: 'burst', connections: SLOW_STREAMS }),
  },
]

/** Several gateways on one PostgreSQL, each of which gets the same share of the calls. */
export type Fleet = {
  readonly name: string
  readonly processes: number
  readonly perSecondEach: number
}

/** The name that stands for all fleets on the command line. */
export const FLEETS = 'fleets'

/** First what a fleet costs at the rate of one process, then what it costs when each process has that rate. */
export const fleets: readonly Fleet[] = [fleet(1, 500), fleet(2, 250), fleet(2, 500), fleet(4, 125), fleet(4, 500)]

function fleet(processes: number, perSecondEach: number): Fleet {
  return { name: `${processes} x ${perSecondEach}/s`, processes, perSecondEach }
}

/** To warm a process up. */
export const fleetCalls: LoadKind = { ...small, api: 'messages' }

export function fleetLoad({ processes, perSecondEach }: Fleet): LoadKind {
  return {
    ...fleetCalls,
    pacing: { ...atOnce, delayMs: 20 },
    pace: (seconds) => ({ kind: 'steady', connections: 100, seconds, perSecond: processes * perSecondEach }),
  }
}
