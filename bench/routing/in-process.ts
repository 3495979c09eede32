import { createAuthenticator } from '../../proxy/auth/authenticate.ts'
import { createChannels } from '../../proxy/channels.ts'
import type { Channel } from '../../proxy/domain/channel.ts'
import { defaultFailover } from '../../proxy/domain/failover.ts'
import type { KeyRecord } from '../../proxy/domain/key.ts'
import { createRouter } from '../../proxy/route/router.ts'
import { createCipher } from '../../proxy/secrets/cipher.ts'
import { createConfiguration } from '../../proxy/store/configuration.ts'
import { createKeyLookup } from '../../proxy/store/key-lookup.ts'
import { createKeyStore } from '../../proxy/store/keys.ts'
import { createLog } from '../../proxy/telemetry/log.ts'
import { openDatabase } from '../open-database.ts'
import { median } from '../quantile.ts'
import type { RoutingHome } from './routing-home.ts'

/** What is measured without a gateway around it. */
export type InProcess = {
  /** Of a call: its beginning, the choice of channel and key, and that it went well. */
  readonly choiceNs: number
  readonly reloadChannelsMs: number
  readonly reloadKeysMs: number
}

const ROUNDS = 21
const RELOADS = 5
const CALLS = 2000

export async function measureInProcess(made: RoutingHome): Promise<InProcess> {
  const database = await openDatabase(made.home.database)
  const ids = (await createKeyStore(database).list({ limit: 1_000_000, offset: 0, now: Date.now() })).keys.map(
    ({ id }) => id,
  )
  const lookup = createKeyLookup(database)
  const known: KeyRecord[] = (await lookup.findByIds(ids)).map((key) => ({
    ...key,
    usage: { lifetimeTokens: 0, lastUsedAt: null, minutes: [] },
  }))
  const source = {
    ...lookup,
    findByHash: () => Promise.resolve(undefined),
    findInUse: () => Promise.resolve(known),
    keyRevision: () => Promise.resolve(''),
    isFresh: () => true,
  }
  const authenticator = createAuthenticator(source, Date.now)
  await authenticator.preload()
  const configuration = createConfiguration(database, createCipher([made.encryptionKey]))
  const channels = createChannels({
    own: [],
    suspensions: undefined,
    quotas: { refusal: () => undefined, resetOf: () => undefined },
    now: Date.now,
    log: createLog('silent', false),
  })
  const reloadChannels = async (): Promise<void> => {
    const load = channels.beginLoad()
    const next = await configuration.forCalls(Date.now())
    load(configuration.open(next), next)
  }
  const figures = {
    choiceNs: choiceNs(made.channels, known),
    reloadChannelsMs: await medianMs(reloadChannels),
    reloadKeysMs: await medianMs(() => authenticator.reload()),
  }
  await database.close()
  return figures
}

async function medianMs(work: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < RELOADS; round++) {
    const startedAt = performance.now()
    await work()
    times.push(performance.now() - startedAt)
  }
  return median(times)
}

/** CPU time, and the best of many rounds: what is slower was disturbed. */
function choiceNs(channels: readonly Channel[], keys: readonly KeyRecord[]): number {
  const router = createRouter({ random: Math.random, onSuspend: () => {}, resetOf: () => undefined })
  const now = Date.now()
  router.load(channels, [], { strategies: { messages: 'random' }, failover: defaultFailover }, now)
  const common = {
    pool: 'messages',
    model: 'claude-sonnet-4-5',
    isTranslated: true,
    conversation: undefined,
    deadlineAt: now + 1e6,
  } as const
  let best = Number.POSITIVE_INFINITY
  let nth = 0
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let call = 0; call < CALLS; call++) {
      const journey = router.begin({ ...common, allowedChannels: keys[nth++ % keys.length]?.allowedChannels ?? null })
      if (journey.next(now).kind !== 'send') throw new Error('no channel took the call')
      journey.succeeded(now)
    }
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, ((user + system) * 1000) / CALLS)
  }
  return best
}
