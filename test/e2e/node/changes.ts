import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../support/gateway.ts'
import { createGateway } from './create-gateway.ts'
import { rowsOf } from './gateway-on-stage.ts'
import { processOf } from './process-of.ts'
import type { Stage } from './stage.ts'

const CONDITIONS_MS = 180_000
/** The lease lasts half a minute, and is looked at every five seconds; that of who has begun only just may be renewed first. */
const TAKEN_OVER_MS = 120_000

export function changing(stageOf: () => Stage): void {
  // The first waits most of its time, since Secrets are not watched.
  describe('what somebody changes', { concurrency: 2 }, () => {
    test('another password of the database replaces the pods, but with a wrong one the old pod goes on', async () => {
      const stage = stageOf()
      const gateway = await createGateway(stage)
      const template = '{.spec.template.metadata.annotations.tollgate\\.dev/config-hash}'
      const user = `user_${gateway.namespace.replace('-', '_')}`
      await rowsOf(gateway.databaseUrl, `CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD 'another'`)
      const setPassword = async (password: string): Promise<void> => {
        const url = new URL(stage.reachable(gateway.databaseUrl))
        const stringData = { uri: Object.assign(url, { username: user, password }).href }
        await gateway.kubectl('patch', 'secret', 'gateway-db', '-p', JSON.stringify({ stringData }))
      }
      await setPassword('wrong')
      const reason = '{.status.conditions[?(@.type=="Ready")].reason}'
      const isTold = `--for=jsonpath=${reason}=DatabaseUnreachable`
      await gateway.kubectl('wait', isTold, 'akstore/gateway', `--timeout=${CONDITIONS_MS}ms`)
      await gateway.createKey('meanwhile')

      const before = await gateway.get('deployment gateway', template)
      await setPassword('another')
      const isChanged = async (): Promise<boolean> => (await gateway.get('deployment gateway', template)) !== before
      await until('the pods are to read it', isChanged, CONDITIONS_MS)
      await gateway.kubectl('rollout', 'status', 'deployment/gateway', '--timeout=180s')
      const connections = 'SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = $1'
      const isIn = async () => (await rowsOf(gateway.databaseUrl, connections, [user])).length > 0
      await until('a pod is the new user', isIn, CONDITIONS_MS)
      await gateway.ready()
    })

    test('what is deleted of a store comes back, and what is edited becomes as it was', async () => {
      const gateway = await createGateway(stageOf())
      for (const child of ['service/gateway', 'serviceaccount/gateway', 'deployment/gateway']) {
        const uid = await gateway.get(child, '{.metadata.uid}')
        await gateway.kubectl('delete', child)
        await gateway.kubectl('wait', '--for=create', child, '--timeout=180s')
        assert.notEqual(await gateway.get(child, '{.metadata.uid}'), uid)
      }
      await gateway.kubectl('set', 'image', 'deployment/gateway', 'proxy=tollgate:of-somebody')
      const image = '{.spec.template.spec.containers[0].image}'
      await gateway.kubectl('wait', `--for=jsonpath=${image}=tollgate:0.1.0`, 'deployment/gateway', '--timeout=180s')
      await gateway.kubectl('scale', 'deployment/gateway', '--replicas=5')
      await gateway.kubectl('wait', '--for=jsonpath={.spec.replicas}=1', 'deployment/gateway', '--timeout=180s')
      await gateway.kubectl('rollout', 'status', 'deployment/gateway', '--timeout=180s')
      await gateway.ready()
    })
  })

  test('when the leader of two operators is killed, the other goes on', async () => {
    const stage = stageOf()
    const gateway = await createGateway(stage)
    const before = await leaderOf(stage)
    process.kill(processOf(before.split('_')[0] ?? ''), 'SIGKILL')
    await gateway.patch({ replicas: 2 })
    const after = await until(
      'there is another leader',
      async () => {
        const leader = await leaderOf(stage)
        return leader !== '' && leader !== before && leader
      },
      TAKEN_OVER_MS,
    )
    await gateway.kubectl('wait', '--for=jsonpath={.status.readyReplicas}=2', 'akstore/gateway', '--timeout=180s')
    await gateway.ready()
    assert.equal(await leaderOf(stage), after, 'and it stays the leader')
    await stage.node.kubectl('-n', OPERATOR, 'rollout', 'status', 'deployment/tollgate-operator', '--timeout=180s')
  })
}

const OPERATOR = 'tollgate-system'

function leaderOf({ node }: Stage): Promise<string> {
  return node.kubectl('-n', OPERATOR, 'get', 'lease', 'tollgate-operator', '-o', 'jsonpath={.spec.holderIdentity}')
}
