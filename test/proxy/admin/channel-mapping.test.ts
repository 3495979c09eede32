import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { NOW, startAdminApi } from '../../support/admin-api.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { openDatabase, testEngines } from '../../support/database.ts'

const chat = { pool: 'chat', serviceType: 'openai_chat', keys: ['sk-1'] } as const

testEngines('a model is shown with the channel that would be asked for it, and by which name', async (t, store) => {
  const api = await startAdminApi(t, store)
  const channels = channelsIn(store.database)
  const asked = async (path: string): Promise<unknown> => {
    const { status, json, text } = await api.send('GET', `/api/channels/${path}`)
    assert.equal(status, 200, text)
    return json
  }
  const first = await channels.create(
    channelInput({ ...chat, name: 'first', models: ['gpt-*'], modelMapping: { 'gpt-5': 'big(high)' } }),
    NOW,
  )
  const second = await channels.create(channelInput({ ...chat, name: 'second' }), NOW)
  const matched = {
    matched: true,
    model: 'gpt-5',
    targetPool: 'chat',
    targetChannel: { id: first.id, name: 'first', status: 'active' },
    resolvedModel: 'big',
    reasoningEffort: 'high',
  }
  assert.deepEqual(await asked('test-mapping?pool=chat&model=gpt-5'), matched)
  assert.deepEqual(await asked(`${first.id}/test-mapping?model=gpt-5`), matched)
  const ofSecond = {
    matched: true,
    model: 'gpt-5',
    targetPool: 'chat',
    targetChannel: { id: second.id, name: 'second', status: 'active' },
    resolvedModel: 'gpt-5',
    reasoningEffort: null,
  }
  assert.deepEqual(await asked(`${second.id}/test-mapping?model=gpt-5`), ofSecond)

  await createSuspensionStore(store.database).suspend(first.id, NOW + 60_000, '429', NOW)
  assert.deepEqual(await asked('test-mapping?pool=chat&model=gpt-5'), ofSecond, 'the first is suspended')
  assert.deepEqual(await asked(`${first.id}/test-mapping?model=gpt-5`), matched, 'as if it was in service')
  await channels.setStatus(first.id, 'disabled', NOW)
  assert.deepEqual(await asked(`${first.id}/test-mapping?model=gpt-5`), {
    ...matched,
    targetChannel: { ...matched.targetChannel, status: 'disabled' },
  })
  assert.deepEqual(await asked(`${first.id}/test-mapping?model=opus`), {
    matched: false,
    model: 'opus',
    message: 'This model is not among those that are served here.',
    targetChannel: null,
  })
})

test('a composite shows the target that it would choose, in the pool of that one', async (t) => {
  const store = await openDatabase(t)
  const api = await startAdminApi(t, store)
  const channels = channelsIn(store.database)
  const target = await channels.create(channelInput({ ...chat, name: 'target' }), NOW)
  const mix = await channels.create(
    channelInput({
      name: 'mix',
      serviceType: 'composite',
      baseUrl: '',
      compositeMappings: [{ pattern: 'opus', targets: [target.id], model: 'gpt-5' }],
    }),
    NOW,
  )
  for (const path of ['test-mapping?pool=messages&model=', `${mix.id}/test-mapping?model=`]) {
    const { json } = await api.send('GET', `/api/channels/${path}opus(low)`)
    assert.deepEqual(json, {
      matched: true,
      model: 'opus(low)',
      targetPool: 'chat',
      targetChannel: { id: target.id, name: 'target', status: 'active' },
      resolvedModel: 'gpt-5',
      reasoningEffort: 'low',
    })
    const { json: unmatched } = await api.send('GET', `/api/channels/${path}haiku`)
    assert.deepEqual(unmatched['matched'], false)
  }
})

test('channels of the environment are among those that would be asked', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const { json } = await api.send('GET', '/api/channels/test-mapping?pool=messages&model=opus')
  assert.deepEqual(json['targetChannel'], { id: 'env-anthropic-messages', name: 'anthropic', status: 'active' })
})

test('what cannot be asked is refused', async (t) => {
  const api = await startAdminApi(t, await openDatabase(t))
  const refused: readonly (readonly [path: string, status: number])[] = [
    ['test-mapping?model=opus', 400],
    ['test-mapping?pool=chat', 400],
    ['test-mapping?pool=search&model=opus', 400],
    [`test-mapping?pool=chat&model=${'x'.repeat(256)}`, 400],
    ['env-anthropic-messages/test-mapping', 400],
    ['00000000/test-mapping?model=opus', 404],
  ]
  for (const [path, status] of refused) {
    assert.equal((await api.send('GET', `/api/channels/${path}`)).status, status, path)
  }
})
