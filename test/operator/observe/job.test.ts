import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobSeen } from '../../../operator/observe/job.ts'
import { NOW } from '../../support/stores.ts'

const metadata = { name: 'gate-migrate-1', creationTimestamp: '2026-11-22T00:00:00Z' }
const complete = { type: 'Complete', status: 'True' }
const failed = { type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'Job was active longer.' }
const pod = (phase: string, message?: string, change: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', labels: { 'batch.kubernetes.io/job-name': 'gate-migrate-1' }, ...change },
  status: { phase, containerStatuses: [{ state: { terminated: { exitCode: 0, ...(message && { message }) } } }] },
})
const done = pod('Succeeded', '{"to":8}')
const leaving = pod('Running', undefined, { deletionTimestamp: '2026-11-22T00:00:00Z' })

type Case = readonly [
  conditions: readonly object[],
  pods: readonly ReturnType<typeof pod>[],
  state: string,
  schema?: string,
]

const cases: Readonly<Record<string, Case>> = {
  'that has not begun': [[], [], 'running'],
  'that is at work': [[], [pod('Running')], 'running'],
  'that is done': [[complete], [done], 'succeeded', '8'],
  'that is done, while its pod was read before': [[complete], [pod('Running')], 'running'],
  'that is done, whose pod somebody deleted': [[complete], [], 'succeeded'],
  'that was ended, and whose pod is going': [[failed], [leaving], 'failed'],
}

for (const [what, [conditions, pods, state, schema]] of Object.entries(cases)) {
  test(`a Job ${what} counts as ${state}`, () => {
    const seen = jobSeen({ apiVersion: 'batch/v1', kind: 'Job', metadata, status: { conditions } }, pods, NOW)
    assert.deepEqual([seen.state, seen.report?.schema], [state, schema])
  })
}

test('a Job whose pod ended without a word is told with how it ended', () => {
  const terminated = { exitCode: 137, reason: 'OOMKilled', message: 'the end of a log' }
  const killed = { ...pod('Failed'), status: { phase: 'Failed', containerStatuses: [{ state: { terminated } }] } }
  const seen = jobSeen(
    { apiVersion: 'batch/v1', kind: 'Job', metadata, status: { conditions: [failed] } },
    [killed],
    NOW,
  )
  assert.equal(seen.message, 'DeadlineExceeded: Job was active longer. It ended with exit status 137 (OOMKilled).')
})

test('a Job that gets no pod for long is told', () => {
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata }
  assert.equal(jobSeen(job, [], NOW + 30_000).trouble, undefined)
  assert.match(jobSeen(job, [], NOW + 30_001).trouble?.message ?? '', /kubectl describe job gate-migrate-1/)
})
