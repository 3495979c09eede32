/** The load generator: a program of its own, so that the harness's bookkeeping does not stand in its way. */
import { Pool } from 'undici'
import { paths, requestBody, streamEvents, wholeAnswer } from './api.ts'
import { answerHarness } from './child-program.ts'
import { type Call, type Outcome, startCall } from './load-call.ts'
import { runAtPace } from './load-pace.ts'
import { type Job, jobSchema, type LoadResult } from './messages.ts'
import { spread } from './quantile.ts'

/** A target that only fails would be called as fast as it can refuse. */
const GIVE_UP_AFTER_FAILURES = 100
const CALL_TIMEOUT_MS = 30_000

async function runJob(job: Job): Promise<LoadResult> {
  const timeouts = { headersTimeout: CALL_TIMEOUT_MS, bodyTimeout: CALL_TIMEOUT_MS }
  const pools = job.origins.map((origin) => new Pool(origin, { connections: job.pace.connections, ...timeouts }))
  const calls = prepareCalls(job)
  const failures: string[] = []
  const firstByteMs: number[] = []
  const wholeMs: number[] = []

  const record = (outcome: Outcome) => {
    if (outcome.failure !== null) {
      failures.push(outcome.failure)
      return
    }
    firstByteMs.push(outcome.firstByteMs)
    wholeMs.push(outcome.wholeMs)
  }

  let next = 0
  const startedAt = performance.now()
  await runAtPace(job.pace, (done) => {
    const pool = pools[next % pools.length]
    const call = calls[next % calls.length]
    next++
    if (pool === undefined || call === undefined || failures.length >= GIVE_UP_AFTER_FAILURES) return false
    startCall(pool, call, (outcome) => {
      record(outcome)
      done()
    })
    return true
  })
  const elapsedMs = performance.now() - startedAt
  await Promise.all(pools.map((pool) => pool.destroy()))

  return {
    completed: wholeMs.length,
    failed: failures.length,
    firstFailure: failures[0] ?? null,
    elapsedMs,
    events: wholeMs.length * (calls[0]?.expected.events ?? 0),
    firstByteMs: spread(firstByteMs),
    wholeMs: spread(wholeMs),
  }
}

/** One for each key. */
function prepareCalls(job: Job): readonly Call[] {
  const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }
  const request = { path: paths[job.api], method: 'POST', body: requestBody(job.api, job.promptBytes, job.isStream) }
  const expected: Call['expected'] = job.isStream
    ? { events: streamEvents(job.api, job.contentEvents).length, bytes: null }
    : { events: null, bytes: wholeAnswer(job.api).length }
  return job.keys.map((key) => ({ request: { ...request, headers: { ...headers, 'x-api-key': key } }, expected }))
}

answerHarness(jobSchema, runJob)
