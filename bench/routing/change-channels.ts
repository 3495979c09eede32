import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { RoutingHome } from './routing-home.ts'

const EVERY_MS = 500

/** Changes one channel after the other, as an administrator would, until it is stopped. */
export function changeChannels(origin: string, { adminKey, channels }: RoutingHome): { stop(): Promise<void> } {
  const ending = new AbortController()
  const change = async (nth: number): Promise<void> => {
    const id = channels[nth % channels.length]?.id ?? ''
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ description: `change ${nth}` })
    const answer = await request(`${origin}/api/channels/${id}`, { method: 'PUT', headers, body })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`the change was answered with ${answer.statusCode}: ${text}`)
  }
  const changing = (async () => {
    for (let nth = 0; !ending.signal.aborted; nth++) {
      await change(nth)
      await sleep(EVERY_MS)
    }
  })()
  return {
    stop() {
      ending.abort()
      return changing
    },
  }
}
