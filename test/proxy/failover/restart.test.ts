import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailedAttempt } from '../../../proxy/domain/entry.ts'
import { type GatewayProcess, startGateway } from '../../support/gateway.ts'
import { callers, startPools } from '../../support/pools.ts'

test('a gateway that is killed between two attempts has written down the first one and who got the second', async (t) => {
  const pools = await startPools({
    first: { plan: { cutAfter: 1 }, modelMapping: { 'claude-fake': 'claude-first' } },
    second: { plan: { neverAnswer: true } },
    third: {},
  })
  let again: GatewayProcess | undefined
  t.after(async () => {
    await again?.stop() // it has files where the pools are
    await pools.close()
  })
  const { path, body } = callers.messages
  const asked = assert.rejects(pools.ask(path, { ...body, stream: true }))
  const id = await pools.upstream('second').waitFor(([call]) => call?.headers['x-client-request-id'])
  await pools.gateway.stop('SIGKILL')
  await asked

  again = await startGateway(pools.home)
  const { channel, status, metering, attempts, ...row } = await pools.entry(String(id))
  assert.deepEqual([channel, status, metering], ['second', 'interrupted', 'estimated'])
  const [first, ...more] = JSON.parse(attempts ?? '[]') as FailedAttempt[] // safe: written by the gateway
  assert.deepEqual(more, [])
  assert.deepEqual(
    [first?.channel, first?.model, first?.status, first?.error, first?.followedBy],
    ['first', 'claude-first', 0, 'upstream_broken', 'next'],
  )
  assert.equal(first?.usage.inputTokens, 25, 'what it told before it broke off')
  assert.ok(row.input_tokens > 25, 'both attempts count')
  assert.deepEqual(pools.counts(), { first: 1, second: 1, third: 0 })
})
