import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRunning, troubleOf } from '../../../operator/observe/pod.ts'

const waiting = (reason: string, message?: string) => ({
  state: { waiting: { reason, ...(message !== undefined && { message }) } },
})
const ended = (exitCode: number, message = '', reason?: string) => ({
  lastState: { terminated: { exitCode, message, ...(reason !== undefined && { reason }) } },
})
const tooNew = JSON.stringify({ error: { code: 'schema_too_new', message: 'Install the newer version.' } })
const failure = JSON.stringify({ error: { code: 'storage_away', message: 'DATA_DIR is full.' } })

const cases: Readonly<Record<string, readonly [status: object, trouble: string | undefined]>> = {
  'that runs': [{ containerStatuses: [{ state: { running: {} } }] }, undefined],
  'whose container is being made': [{ containerStatuses: [waiting('ContainerCreating')] }, undefined],
  'without its image': [
    { containerStatuses: [waiting('ImagePullBackOff', 'Back-off pulling image "x"')] },
    'ImagePullFailed Back-off pulling image "x"',
  ],
  'of an image that is no name': [
    { containerStatuses: [waiting('InvalidImageName')] },
    'ImagePullFailed InvalidImageName',
  ],
  'that ends again and again': [
    { containerStatuses: [{ ...waiting('CrashLoopBackOff'), ...ended(2, 'the end of a log') }] },
    'CrashLooping The last one ended with exit status 2.',
  ],
  'that wants more memory than it may have': [
    { containerStatuses: [{ ...waiting('CrashLoopBackOff'), ...ended(137, 'the end of a log', 'OOMKilled') }] },
    'CrashLooping The last one ended with exit status 137 (OOMKilled).',
  ],
  'whose settings are wrong': [
    { containerStatuses: [{ ...waiting('CrashLoopBackOff'), ...ended(78, 'ADMIN_API_KEY: hunter2', 'Error') }] },
    'CrashLooping The last one ended with exit status 78: a setting or a Secret is wrong (Error).',
  ],
  'whose Secret is not there': [
    { containerStatuses: [waiting('CreateContainerConfigError', 'secret "x" not found')] },
    'PodsNotReady secret "x" not found',
  ],
  'that cannot migrate its file': [
    { initContainerStatuses: [{ ...waiting('CrashLoopBackOff'), ...ended(1, failure) }] },
    'MigrationFailed DATA_DIR is full.',
  ],
  'whose file is of a later version': [
    { initContainerStatuses: [{ ...waiting('CrashLoopBackOff'), ...ended(1, tooNew) }] },
    'SchemaNewerThanImage Install the newer version.',
  ],
  'that has migrated its file': [{ initContainerStatuses: [{ state: { terminated: { exitCode: 0 } } }] }, undefined],
  'without a node': [
    {
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
      ],
    },
    'Unschedulable 0/3 nodes are available',
  ],
}

for (const [what, [status, expected]] of Object.entries(cases)) {
  test(`of a pod ${what} it is known what keeps it`, () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'gate-1' }, status }
    const trouble = troubleOf(pod)
    assert.equal(trouble && `${trouble.reason} ${trouble.message}`, expected)
  })
}

test('a pod can be asked while its program runs, ready or not', () => {
  const pod = (state: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'gate-1' },
    status: { containerStatuses: [{ state }] },
  })
  assert.equal(isRunning(pod({ running: {} })), true)
  assert.equal(isRunning(pod({ waiting: { reason: 'CrashLoopBackOff' } })), false)
})
