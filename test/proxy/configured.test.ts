import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConfigured } from '../../proxy/configured.ts'
import type { CallConfiguration } from '../../proxy/store/call-configuration.ts'

const NOTHING: CallConfiguration = {
  channels: [],
  keys: [],
  suspensions: [],
  quotaPeriods: [],
  settings: {},
  prices: [],
}

/** What is read may fail; what is taken over is written down, and so is what else had its turn. */
function startConfigured() {
  const seen: string[] = []
  let problem: Error | undefined
  const configured = createConfigured({
    configuration: {
      async forCalls() {
        seen.push('read')
        if (problem) throw problem
        return NOTHING
      },
      open: () => [],
    },
    prices: { load: () => seen.push('prices') } as never, // safe: the configuration asks it for nothing else
    quotas: {
      unknown: async () => ({ used: new Map(), replicas: 1 }),
      load() {
        seen.push('quotas')
        queueMicrotask(() => seen.push('a call'))
      },
      standing: async () => ({ begun: [], use: { used: new Map([['channel:a:0 quota_requests', 3]]), replicas: 2 } }),
    },
    rateLimits: { load: (set) => seen.push(`rate limits ${set === undefined ? 'by default' : 'set'}`) },
    channels: { all: () => [], beginLoad: () => (seen.push('begin'), () => void seen.push('channels')) },
    now: () => 0,
  })
  return { configured, seen, fail: (error?: Error) => void (problem = error) }
}

test('a configuration is taken over in one turn: no call meets a part of it', async () => {
  const { configured, seen } = startConfigured()
  await configured.reload()
  assert.deepEqual(seen, ['begin', 'read', 'prices', 'rate limits by default', 'quotas', 'channels', 'a call'])
})

test('what was kept serves until the database can be read, and is not kept again before', async () => {
  const { configured, seen, fail } = startConfigured()
  configured.restore({ ...NOTHING, settings: { ratelimit: {} }, quotaUse: [], replicas: 1 })
  assert.deepEqual(seen, ['begin', 'prices', 'rate limits set', 'quotas', 'channels'])
  assert.equal(await configured.keep(), undefined)
  fail(new Error('it is away'))
  await assert.rejects(configured.readOnce(), /away/)
  fail()
  await configured.readOnce()
  await configured.readOnce()
  assert.equal(seen.filter((what) => what === 'read').length, 2)
  const quotaUse = [['channel:a:0 quota_requests', 3]]
  assert.deepEqual(await configured.keep(), { ...NOTHING, quotaUse, replicas: 2 })
})
