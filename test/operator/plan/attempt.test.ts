import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attempt, followed } from '../../../operator/plan/attempt.ts'
import type { JobSeen, MigrationReport } from '../../../operator/plan/observed.ts'
import { NOW } from '../../support/stores.ts'

const look: Attempt = {
  hash: 'abc',
  step: 'Check',
  jobName: 'gate-migrate-1',
  result: 'Running',
  attempts: 1,
  failures: 0,
  trigger: 'def',
  startTime: new Date(NOW).toISOString(),
}
const told: MigrationReport = { schema: '8', pending: [], error: undefined }
const job: JobSeen = {
  object: { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'gate-migrate-1' } },
  state: 'succeeded',
  isAtWork: false,
  trouble: undefined,
  message: undefined,
  report: told,
}

const cases: Readonly<Record<string, readonly [Attempt['step'], MigrationReport | undefined, Attempt['result']]>> = {
  'a look that says that nothing is pending': ['Check', told, 'Succeeded'],
  'a look whose list was too long to be told': ['Check', { ...told, pending: undefined }, 'Failed'],
  'a look that says nothing': ['Check', undefined, 'Failed'],
  'a migration, which tells what ran': ['Migrate', { ...told, pending: undefined }, 'Succeeded'],
  'a migration that says nothing': ['Migrate', undefined, 'Succeeded'],
}

for (const [what, [step, report, result]] of Object.entries(cases)) {
  test(`${what} counts as ${result} when its Job has succeeded`, () => {
    assert.equal(followed({ ...look, step }, { ...job, report }, NOW).result, result)
  })
}
