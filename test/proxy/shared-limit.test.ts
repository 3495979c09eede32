import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fleet, startFleet } from '../support/fleet.ts'
import type { GatewayProcess } from '../support/gateway.ts'
import { seededRandom } from '../support/load.ts'

const SEED = Number(process.env['SEED'] ?? 1)
const ROUNDS = Number(process.env['ROUNDS'] ?? 1)
const LARGEST = 500
const LIMIT = 200 * LARGEST
const REPLICAS = 4
/** Everybody was refused for so long, with nothing in flight. */
const LASTING_MS = 2000

interface Spending {
  readonly limit: number
  readonly clients: number
  readonly random: () => number
  /** Called once, when about so much of the limit has been served. */
  readonly halfway?: () => void
}

/** Clients that call again as soon as they were answered, until all of them have been refused for a while. */
async function spendAll(fleet: Fleet, key: string, { limit, clients, random, halfway }: Spending): Promise<void> {
  let inFlight = 0
  let refusedSince = Date.now()
  let isHalfway = false
  const isOver = (): boolean => inFlight === 0 && Date.now() - refusedSince > LASTING_MS
  const client = async (): Promise<void> => {
    while (!isOver()) {
      const gateway = fleet.gateways[Math.floor(random() * fleet.gateways.length)]
      if (gateway === undefined || gateway.process.exitCode !== null || gateway.process.signalCode !== null) continue
      inFlight += 1
      // Heavy-tailed, and streams among them.
      const tokens = Math.min(LARGEST, Math.ceil(20 / (1 - random() * 0.97)))
      const answer = await fleet
        .call(gateway, key, tokens, { atMost: LARGEST, stream: random() < 0.3 })
        .catch(() => undefined)
      inFlight -= 1
      // What a replica holds that stands still is free again before long: that is no refusal that lasts.
      if (answer?.status === 200 || answer?.text.includes('window_reserved')) refusedSince = Date.now()
      if (answer?.status !== 200) await new Promise((resolve) => setTimeout(resolve, 50)) // as a client that was told to wait, a little
      if (!isHalfway && fleet.served(key) > limit / 2) {
        isHalfway = true
        halfway?.()
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
}

for (let round = 0; round < ROUNDS; round++) {
  const seed = SEED + round
  test(`four replicas together grant a limit and no more than 2 % besides (seed ${seed})`, async (t) => {
    const random = seededRandom(seed)
    const fleet = await startFleet(t, REPLICAS, { LIMIT_WAIT_MS: '1000' })
    for (const clients of [32, 128]) {
      const { key } = await fleet.createKey({ tokenLimit: LIMIT })
      await spendAll(fleet, key, { limit: LIMIT, clients, random })
      const share = fleet.served(key) / LIMIT
      t.diagnostic(`${clients} clients: ${(100 * share).toFixed(2)} % of the limit`)
      assert.ok(Math.abs(share - 1) <= 0.02, `${clients} clients were granted ${share} of the limit`)
    }
  })

  test(`a replica that is killed meanwhile takes little of the limit along (seed ${seed})`, async (t) => {
    const random = seededRandom(seed)
    // What it has spent and not committed is lost with it here, since nobody else reads its spool.
    const fleet = await startFleet(t, REPLICAS, { LIMIT_WAIT_MS: '1000', LEDGER_COMMIT_INTERVAL_MS: '20' })
    // What is lost with it, in flight and not yet committed, is the same whatever the limit is.
    const limit = 3 * LIMIT
    const { key } = await fleet.createKey({ tokenLimit: limit })
    const victim = fleet.gateways[0] as GatewayProcess // safe: there are four
    await spendAll(fleet, key, { limit, clients: 32, random, halfway: () => void victim.stop('SIGKILL') })
    const share = fleet.served(key) / limit
    t.diagnostic(`${(100 * share).toFixed(2)} % of the limit`)
    assert.ok(share >= 0.95 && share <= 1.02, `they were granted ${share} of the limit`)
  })
}
