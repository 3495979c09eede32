import assert from 'node:assert/strict'
import { ask } from '../support/ask.ts'
import { type Home, until } from '../support/gateway.ts'
import type { Crew } from './crew.ts'
import type { Traffic, TrafficKey } from './traffic.ts'

export interface KeyStage {
  readonly crew: Crew
  readonly traffic: Traffic
  /** Whose commands reach the database without a fault. */
  readonly desk: Home
  readonly endedKeys: TrafficKey[]
}

/** Some limits are reached, and some never are. */
export async function createKey(desk: Home, isLimited: boolean): Promise<TrafficKey> {
  return { ...(await desk.createKey(['--token-limit', isLimited ? '2000000' : '1000000000000'])), isLimited }
}

/** A key ends and another takes its place. */
export async function changeKeys({ crew, traffic, desk, endedKeys }: KeyStage, isLimited: boolean): Promise<void> {
  const [oldest] = traffic.keys
  traffic.keys.add(await createKey(desk, isLimited))
  if (oldest === undefined) return
  traffic.keys.delete(oldest)
  oldest.endedAt = Date.now()
  endedKeys.push(oldest)
  const { status, stderr } = await desk.cli(['keys', 'revoke', oldest.id])
  if (status !== 0) crew.surprises.push(`keys revoke: ${stderr}`)
}

/** What was changed on the way is in force on every gateway. */
export async function expectKeys({ crew, traffic, endedKeys }: KeyStage): Promise<void> {
  const statusOf = async (url: string | undefined, { key }: TrafficKey): Promise<number> =>
    (await ask(`${url}/stats`, { headers: { authorization: `Bearer ${key}` } })).status
  for (const { name, url } of crew.members) {
    for (const key of traffic.keys) assert.equal(await statusOf(url(), key), 200, `${key.name} is let in by ${name}`)
    for (const key of endedKeys) {
      await until(`${key.name} is refused by ${name}`, async () => (await statusOf(url(), key)) === 401)
    }
  }
  endedKeys.length = 0
}
