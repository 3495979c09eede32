import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deploymentSeen } from '../../../operator/observe/deployment.ts'

const forbidden = 'pods "gate-5d" is forbidden: '
const refused = (message: string) => ({ type: 'ReplicaFailure', status: 'True', message })
const late = { type: 'Progressing', status: 'False', message: 'ReplicaSet "gate-5d" has timed out progressing.' }

const cases: Readonly<Record<string, readonly [conditions: readonly object[], reason: string | undefined]>> = {
  'that comes on': [[{ type: 'Progressing', status: 'True', message: 'is progressing' }], undefined],
  'whose pods are late': [[late], 'PodsNotReady'],
  'whose pods a policy refuses': [[refused(`${forbidden}violates PodSecurity "restricted"`)], 'PodsNotReady'],
  'for whose pods a quota has no room': [
    [late, refused(`${forbidden}exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0`)],
    'QuotaExceeded',
  ],
  'under a quota that is not counted yet': [
    [refused(`${forbidden}status unknown for quota: none, resources: pods`)],
    'QuotaExceeded',
  ],
  'under a quota that wants limits': [
    [refused(`${forbidden}failed quota: small: must specify limits.cpu for: proxy`)],
    'QuotaExceeded',
  ],
  'that needs a quota': [[refused(`${forbidden}insufficient quota to consume: pods`)], 'QuotaExceeded'],
  'that is only called after one': [[refused('pods "quota-5d" is forbidden: no')], 'PodsNotReady'],
}

for (const [what, [conditions, reason]] of Object.entries(cases)) {
  test(`a Deployment ${what}: ${reason ?? 'no trouble'}`, () => {
    const spec = { template: { spec: { containers: [] } } }
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'gate' },
      spec,
      status: { conditions },
    }
    assert.equal(deploymentSeen(object).trouble?.reason, reason)
  })
}
