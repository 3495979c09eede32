import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { channelInput } from '../../support/channels.ts'
import { startFakeUpstream } from '../../support/fake-upstream.ts'
import { until } from '../../support/gateway.ts'
import { callers, startPools } from '../../support/pools.ts'

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
