import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Anthropic, { APIError } from '@anthropic-ai/sdk'
import { defaultText } from '../../support/fake-upstream.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/gateway.ts'
import { enterGateway, type StageGateway } from './gateway-on-stage.ts'
import { ledgerOf, TOKENS } from './ledger.ts'
import { ROOT, type Stage } from './stage.ts'

const WRITTEN_MS = 120_000

/** The blocks of commands of the README that lead from a cluster to a call, in their order. */
export function readmeCommands(): readonly [secret: string, install: string, call: string] {
  const [, section = ''] = /\n## On Kubernetes\n(.*?)\n## /s.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
  const [secret, install, call] = [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block)
  assert.ok(secret && install && call, 'README.md tells how to come from a cluster to a gateway')
  return [secret, install, call]
}

/** Gives a store the provider of the stage as its account, by the admin API as people do, and calls a model once. */
async function firstCall(stage: Stage, gateway: StageGateway): Promise<{ readonly requestId: string }> {
  await gateway.admin('POST', '/api/channels', {
    pool: 'messages',
    name: 'provider',
    serviceType: 'claude',
    baseUrl: stage.upstream.url,
    apiKeys: ['of-the-account'],
  })
  const apiKey = await gateway.createKey('alice')
  const client = new Anthropic({ baseURL: gateway.url, apiKey, maxRetries: 0 })
  const ask: Anthropic.MessageCreateParamsNonStreaming = {
    model: 'claude-fake',
    max_tokens: 100,
    messages: [{ role: 'user', content: 'Hello' }],
  }
  const inForce = () => client.messages.create(ask).withResponse().catch(asNotYet)
  const { data, response } = await until('the channel is in force', inForce, 180_000)
  assert.equal(data.usage.input_tokens + data.usage.output_tokens, TOKENS)
  return { requestId: response.headers.get('x-request-id') ?? '' }
}

/** A replica that has not heard of the channel refuses the call, and writes nothing down. */
function asNotYet(error: unknown): undefined {
  if (error instanceof APIError && error.status === 503) return
  throw error
}

export function installation(stageOf: () => Stage): void {
  test('the commands of the README lead from a cluster to a call that is answered and metered', async () => {
    const stage = stageOf()
    const port = await freePort()
    const [, , call] = readmeCommands()
    const answer = await stage.shell(call.replaceAll('3000', `${port}`))
    assert.ok(answer.includes(defaultText), answer)
    assert.equal(stage.upstream.calls.filter(({ model }) => model === 'claude-sonnet-4-5').length, 1)
    const show = 'kubectl exec deploy/gateway -c proxy -- tollgate keys show alice --json'
    const written = `"lifetimeTokens": ${TOKENS}`
    await until('the call is written down', async () => (await stage.shell(show)).includes(written), WRITTEN_MS)
  })

  test('the example with SQLite serves, and writes a call down once', async () => {
    const stage = stageOf()
    const namespace = await stage.node.createNamespace()
    await stage.shell(
      `kubectl -n "$NAMESPACE" apply -f crds/examples/sqlite.yaml
      kubectl -n "$NAMESPACE" wait --for=condition=Ready --timeout=5m akstore/small`,
      { NAMESPACE: namespace },
    )
    const gateway = await enterGateway(stage, namespace, 'small')
    const { requestId } = await firstCall(stage, gateway)
    const isThisCall = (entry: { requestId: string }): boolean => entry.requestId === requestId
    const find = async () => {
      const { requests } = await gateway.admin('GET', '/api/logs')
      const found = (requests as { requestId: string }[]).filter(isThisCall) // safe: the admin API's contract
      return found.length > 0 && found
    }
    assert.equal((await until('the call is written down', find, WRITTEN_MS)).length, 1)
  })

  test('the example with PostgreSQL serves, and writes a call down once', async () => {
    const stage = stageOf()
    const [namespace, database] = [await stage.node.createNamespace(), await stage.postgres.createDatabase()]
    await stage.shell(
      `kubectl -n "$NAMESPACE" create secret generic gateway-db --from-literal=uri="$DATABASE_URL"
      kubectl -n "$NAMESPACE" apply -f crds/examples/postgres.yaml
      kubectl -n "$NAMESPACE" wait --for=condition=Ready --timeout=5m akstore/gateway`,
      { NAMESPACE: namespace, DATABASE_URL: stage.reachable(database) },
    )
    const gateway = await enterGateway(stage, namespace, 'gateway')
    const { requestId } = await firstCall(stage, gateway)
    const find = async () => {
      const found = await ledgerOf(database, 'alice')
      return found.length > 0 && found
    }
    const rows = await until('the call is written down', find, WRITTEN_MS)
    assert.deepEqual(rows, [{ request_id: requestId, status: 'completed', metering: 'exact', tokens: `${TOKENS}` }])
    assert.equal(await gateway.get('akstore gateway', '{.status.readyReplicas}'), '2')
  })
}
