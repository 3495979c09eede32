import type { SeenCall } from './behaviour.ts'

interface Waiter {
  check(): void
  fail(reason: string): void
}

const WAIT_MS = 25_000

/** Lets tests wait for what has been seen, instead of for time to pass. */
export function createNotice(calls: readonly SeenCall[]) {
  const waiters = new Set<Waiter>()
  let isScheduled = false

  return {
    /** Under load many changes come in one turn of the event loop, and are looked at once. */
    changed(): void {
      if (waiters.size === 0 || isScheduled) return
      isScheduled = true
      setImmediate(() => {
        isScheduled = false
        for (const waiter of waiters) waiter.check()
      })
    },

    waitFor<Found>(
      probe: (calls: readonly SeenCall[]) => Found | false | undefined,
      timeoutMs = WAIT_MS,
    ): Promise<NonNullable<Found>> {
      return new Promise((resolve, reject) => {
        const waiter: Waiter = {
          check() {
            const found = probe(calls)
            if (found === false || found === undefined || found === null) return
            leave()
            resolve(found)
          },
          fail(reason) {
            leave()
            const seen = calls.slice(-20).map((call) => `${call.method} ${call.path} ${call.ended}`)
            reject(new Error(`${reason}; ${calls.length} calls, the last ones: ${seen.join(', ') || 'none'}`))
          },
        }
        const timer = setTimeout(() => {
          waiter.fail(`The fake upstream did not see it in ${timeoutMs} ms`)
        }, timeoutMs)
        const leave = () => {
          clearTimeout(timer)
          waiters.delete(waiter)
        }
        waiters.add(waiter)
        waiter.check()
      })
    },

    close(): void {
      for (const waiter of waiters) waiter.fail('The fake upstream was closed')
    },
  }
}
