import type { Pace } from './messages.ts'

/** Starts a call and says later that it is done; false when no more calls are wanted. */
type Start = (done: () => void) => boolean

export function runAtPace(pace: Pace, start: Start): Promise<void> {
  if (pace.kind === 'open') return runOpen(pace.perSecond, pace.seconds, start)
  if (pace.kind === 'steady') return runSteady(pace.perSecond, pace.seconds, start)
  return runClosed(pace.connections, pace.kind === 'burst' ? 0 : pace.seconds, start)
}

/** Every caller makes at least one call; a burst is a closed loop that is over when it has begun. */
async function runClosed(callers: number, seconds: number, start: Start): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  const caller = () =>
    new Promise<void>((resolve) => {
      const callAgain = () => {
        if (performance.now() >= deadline || !start(afterCall)) resolve()
      }
      // Inside undici's handler the connection still counts as busy, and the call would wait in the pool's queue.
      const afterCall = () => process.nextTick(callAgain)
      if (!start(afterCall)) resolve()
    })
  await Promise.all(Array.from({ length: callers }, caller))
}

/**
 * The gaps vary: at a fixed 10 ms each call would coincide with the answer to an earlier one. And calls must not start
 * on full milliseconds, as timers do: the upstream's timers tick on the same ones, and what a gateway adds would
 * vanish in the rounding. So the timer fires a little early and the event loop turns until the time has come.
 */
function runOpen(perSecond: number, seconds: number, start: Start): Promise<void> {
  const total = Math.round(perSecond * seconds)
  return new Promise((resolve) => {
    let started = 0
    let inFlight = 0
    let isLast = false
    const done = () => {
      inFlight--
      if (isLast && inFlight === 0) resolve()
    }
    const tick = (dueAt: number) => {
      if (performance.now() < dueAt) {
        setImmediate(tick, dueAt)
        return
      }
      inFlight++
      started++
      const isWanted = start(done)
      isLast = !isWanted || started === total
      if (!isWanted) done()
      if (isLast) return
      const nextAt = dueAt + (1000 / perSecond) * (0.5 + Math.random())
      setTimeout(tick, nextAt - performance.now() - 1, nextAt)
    }
    tick(performance.now())
  })
}

/** Of a millisecond, a timer is as punctual as the cost of many calls needs it: the core is left to the others. */
function runSteady(perSecond: number, seconds: number, start: Start): Promise<void> {
  const total = Math.round(perSecond * seconds)
  const startedAt = performance.now()
  return new Promise((resolve) => {
    let wanted = total
    let started = 0
    let inFlight = 0
    const resolveWhenDone = () => {
      if (started >= wanted && inFlight === 0) resolve()
    }
    const done = () => {
      inFlight--
      resolveWhenDone()
    }
    const tick = () => {
      const due = Math.min(wanted, Math.ceil(((performance.now() - startedAt) / 1000) * perSecond))
      while (started < due) {
        if (!start(done)) {
          wanted = started
          break
        }
        started++
        inFlight++
      }
      if (started < wanted) setTimeout(tick, 1)
      else resolveWhenDone()
    }
    tick()
  })
}
