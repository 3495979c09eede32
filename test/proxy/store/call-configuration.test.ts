import assert from 'node:assert/strict'
import { readCallConfiguration } from '../../../proxy/store/call-configuration.ts'
import { createQuotaStore } from '../../../proxy/store/channel-quota.ts'
import { createSettingStore } from '../../../proxy/store/settings.ts'
import { createSuspensionStore } from '../../../proxy/store/suspensions.ts'
import { channelInput, channelsIn } from '../../support/channels.ts'
import { testEngines } from '../../support/database.ts'

const NOW = 1_800_000_000_000

testEngines('a configuration that is changed while it is read is read as it was at one moment', async (_t, store) => {
  const { database } = store
  const suspensions = createSuspensionStore(database)
  const settings = createSettingStore(database)
  let looks = 0
  const parts = {
    database,
    quotas: createQuotaStore(database),
    settings,
    suspensions: {
      ...suspensions,
      async list(now: number) {
        const before = await suspensions.list(now)
        looks += 1
        if (looks > 1) return before
        const { id } = await channelsIn(database).create(channelInput({ keys: ['secret'] }), NOW)
        await suspensions.suspend(id, NOW + 1, 'test', NOW)
        await settings.set('strategies', { chat: 'random' })
        return before
      },
    },
  }
  const { channels, keys, suspensions: suspended, settings: set } = await readCallConfiguration(parts, NOW)
  assert.equal(looks, 2)
  const [id] = channels.map((channel) => channel.id)
  assert.deepEqual([keys.map((key) => key.channel_id), suspended.map(({ channelId }) => channelId)], [[id], [id]])
  const unset = { failover: undefined, 'outbound-headers': undefined, ratelimit: undefined }
  assert.deepEqual(set, { ...unset, strategies: { chat: 'random' } })
})
