import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ask } from '../../support/ask.ts'
import { channelInput } from '../../support/channels.ts'
import { startFakeUpstream } from '../../support/fake-upstream.ts'
import { until } from '../../support/gateway.ts'
import { ADMIN_KEY, callers, startPools } from '../../support/pools.ts'

const { path, body } = callers.messages
const pools = await startPools({ usual: { priority: 100 } })
const added = await startFakeUpstream()
after(async () => {
  await pools.close()
  await added.close()
})

/** Asks for what only the added channel serves where there is one, and answers the model that its upstream was asked for. */
async function modelAskedOf(): Promise<string | undefined> {
  const before = added.calls.length
  const { status } = await pools.ask(path, { ...body, model: 'new' })
  assert.equal(status, 200, 'no call is dropped by a change')
  return added.calls[before]?.model
}

test('a channel that is added, changed and removed while the gateway runs is in force without a restart', async () => {
  assert.equal(await modelAskedOf(), undefined)
  const { id } = await pools.change((store) =>
    store.create(
      channelInput({ name: 'added', baseUrl: added.url, keys: ['first-key'], models: ['new'], priority: 1 }),
      Date.now(),
    ),
  )
  await until('it is there', async () => (await modelAskedOf()) === 'new')
  assert.equal(added.calls.at(-1)?.headers['x-api-key'], 'first-key')

  await pools.change((store) => store.update(id, { modelMapping: { new: 'newer' } }, Date.now()))
  await until('its mapping has changed', async () => (await modelAskedOf()) === 'newer')

  await pools.change(async ({ keys }) => {
    const [first] = await keys.list(id)
    await keys.add(id, ['second-key'], Date.now())
    await keys.remove(id, first?.id ?? assert.fail())
  })
  await until('its key has changed', async () => {
    await modelAskedOf()
    return added.calls.at(-1)?.headers['x-api-key'] === 'second-key'
  })

  added.behave((call) => (call.body['stream'] === true ? { stallAfter: 5 } : {}))
  const { received, whole } = await pools.open(path, { ...body, model: 'new', stream: true })
  await until('its answer has begun', () => received().includes('text_delta'))
  await pools.change((store) => store.remove(id))
  await until('it is gone', async () => (await modelAskedOf()) === undefined)
  added.release()
  assert.ok(String(await whole()).includes('message_stop'), 'a call that is under way goes on')
})

/** What an upstream is sent of a caller's headers. */
async function headersSent(model: string): Promise<Readonly<Record<string, unknown>>> {
  const { id } = await pools.ask(
    path,
    { ...body, model },
    { headers: { 'user-agent': 'caller/1', accept: 'text/plain' } },
  )
  return pools.seen(id)[0]?.[1].headers ?? assert.fail()
}

test('what holds for the headers of all channels is in force without a restart, and what a channel says wins', async () => {
  const set = async (policy: object): Promise<void> => {
    const url = `${pools.url}/api/config/outbound-header-policy`
    const { status, text } = await ask(url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: policy,
    })
    assert.equal(status, 200, text)
  }
  assert.equal((await headersSent('usual'))['user-agent'], 'caller/1')
  await set({ remove: ['acc*'], set: { 'user-agent': 'gateway/1', 'x-title': 'ours' } })
  await until('it is in force', async () => (await headersSent('usual'))['user-agent'] === 'gateway/1')
  const { accept, 'x-title': title } = await headersSent('usual')
  assert.deepEqual([accept, title], [undefined, 'ours'])
  const { id } = pools.channels['usual'] ?? assert.fail()
  const headerPolicy = { remove: ['x-title'], set: { 'user-agent': 'channel/1' } }
  await pools.change((store) => store.update(id, { headerPolicy }, Date.now()))
  await until('it wins', async () => (await headersSent('usual'))['user-agent'] === 'channel/1')
  assert.equal((await headersSent('usual'))['x-title'], undefined)
  await set({})
  await until('it is over', async () => (await headersSent('usual'))['accept'] === 'text/plain')
})
