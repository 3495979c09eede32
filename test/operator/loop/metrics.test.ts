import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOperatorMetrics } from '../../../operator/loop/metrics.ts'
import { startProbes } from '../../../operator/loop/probes.ts'

test('the kubelet is told of ailments and of what is awaited, Prometheus of everything else', async () => {
  const metrics = createOperatorMetrics('1.2.3', {
    isLeading: () => true,
    queueDepth: () => 2,
    queueOldestMs: () => 1500,
    watches: () => [{ kind: 'Job', size: 7, silentMs: 250 }],
  })
  const store = { namespace: 'a', name: 's' }
  metrics.conditions(store, [{ type: 'Ready', status: 'False' }])
  metrics.conditions(store, [{ type: 'Ready', status: 'True' }])
  metrics.conditions({ ...store, name: 'vanished' }, [{ type: 'Ready', status: 'True' }])
  metrics.forget({ ...store, name: 'vanished' })
  metrics.pass('ApiKeyStore', 'success', 20)
  let ailment: string | undefined
  let lack: string | undefined = 'Jobs have not been read yet.'
  const probes = await startProbes({ port: 0, ailment: () => ailment, lack: () => lack, metrics: metrics.render })
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${probes.port}${path}`, { method })
    return { status: answer.status, text: await answer.text() }
  }
  try {
    assert.deepEqual(await ask('/healthz'), { status: 200, text: 'ok\n' })
    assert.deepEqual(await ask('/readyz'), { status: 503, text: 'Jobs have not been read yet.\n' })
    lack = undefined
    ailment = 'A watch is stuck.'
    assert.equal((await ask('/readyz?verbose')).status, 200)
    assert.equal((await ask('/healthz')).status, 503)
    assert.equal((await ask('/other')).status, 404)
    assert.equal((await ask('/healthz', 'POST')).status, 405)
    const { text } = await ask('/metrics')
    for (const line of [
      'tollgate_operator_build_info{version="1.2.3"} 1',
      'tollgate_operator_leader 1',
      'tollgate_operator_workqueue_oldest_seconds 1.5',
      'tollgate_operator_cache_objects{kind="Job"} 7',
      'tollgate_operator_watch_last_event_age_seconds{kind="Job"} 0.25',
      'tollgate_operator_reconcile_total{kind="ApiKeyStore",result="success"} 1',
      'tollgate_operator_store_condition{namespace="a",name="s",type="Ready",status="True"} 1',
      'tollgate_operator_store_condition{namespace="a",name="s",type="Ready",status="False"} 0',
    ]) {
      assert.ok(text.includes(`${line}\n`), line)
    }
    assert.doesNotMatch(text, /vanished/)
  } finally {
    await probes.close()
  }
})
