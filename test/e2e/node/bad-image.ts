import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stage } from './stage.ts'

export function missingImage(stageOf: () => Stage): void {
  test('an image that cannot be pulled is told, of Jobs and of other pods, and another one heals the store', async () => {
    const stage = stageOf()
    const { node } = stage
    const namespace = await node.createNamespace()
    const kubectl = (...args: readonly string[]): Promise<string> => node.kubectl('-n', namespace, ...args)
    const uri = stage.reachable(await stage.postgres.createDatabase())
    const databases = {
      job: { engine: 'postgres', postgres: { connectionSecretRef: { name: 'db' } } },
      pod: { engine: 'sqlite', sqlite: { storage: { size: '1Gi' } } },
    }
    await node.apply(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace }, stringData: { uri } },
      ...Object.entries(databases).map(([name, database]) => ({
        apiVersion: 'tollgate.dev/v1alpha1',
        kind: 'ApiKeyStore',
        metadata: { name, namespace },
        spec: { image: 'localhost:1/tollgate:nobody-has-it', database },
      })),
    )
    const [reason, message] = ['reason', 'message'].map((field) => `{.status.conditions[?(@.type=="Ready")].${field}}`)
    for (const name of Object.keys(databases)) {
      const store = `akstore/${name}`
      await kubectl('wait', `--for=jsonpath=${reason}=ImagePullFailed`, store, '--timeout=180s')
      assert.match(await kubectl('get', store, '-o', `jsonpath=${message}`), /nobody-has-it.* Correct spec\.image/s)
      await kubectl('patch', store, '--type=merge', '-p', '{"spec":{"image":"tollgate:0.1.0"}}')
    }
    await kubectl('wait', '--for=condition=Ready', 'akstore', '--all', '--timeout=180s')
  })
}
