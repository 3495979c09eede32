import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stage } from './stage.ts'

/** Of the releases that the README makes. */
const TESTS = ['helm test tollgate --namespace tollgate-system', 'helm test gateway']

export function testingReleases(stageOf: () => Stage): void {
  test('helm test is content with operator and gateway, and is not while they are away', async () => {
    const stage = stageOf()
    const shell = (lines: string): Promise<string> => stage.shell(lines)
    await Promise.all(TESTS.map((line) => shell(line)))
    await shell(`
      kubectl -n tollgate-system scale deployment/tollgate-operator --replicas=0
      kubectl -n tollgate-system wait --for=delete pod -l app.kubernetes.io/name=tollgate-operator --timeout=180s
      kubectl scale deployment/gateway --replicas=0
      kubectl wait --for=delete pod -l app.kubernetes.io/name=tollgate,app.kubernetes.io/instance=gateway --timeout=180s`)
    await Promise.all(TESTS.map((line) => assert.rejects(shell(line), /pod \S+-test failed/)))
    await shell(`
      kubectl -n tollgate-system scale deployment/tollgate-operator --replicas=2
      kubectl -n tollgate-system rollout status deployment/tollgate-operator --timeout=180s
      kubectl wait --for=jsonpath={.spec.replicas}=1 deployment/gateway --timeout=180s
      kubectl rollout status deployment/gateway --timeout=180s`)
    await Promise.all(TESTS.map((line) => shell(line)))
  })
}
