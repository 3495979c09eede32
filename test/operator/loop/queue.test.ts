import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { createQueue } from '../../../operator/loop/queue.ts'
import type { Timer } from '../../../operator/loop/timer.ts'
import { rounds } from '../../support/rounds.ts'

/** Time that stands still until it is told to go on. */
function standingTimer(): Timer & { advance(ms: number): void; pending(): number } {
  let now = 1000
  const waiting = new Set<{ readonly at: number; readonly run: () => void }>()
  return {
    now: () => now,
    after(delayMs, run) {
      const each = { at: now + delayMs, run }
      waiting.add(each)
      return () => waiting.delete(each)
    },
    advance(ms) {
      now += ms
      for (const each of [...waiting].toSorted((one, other) => one.at - other.at)) {
        if (each.at <= now && waiting.delete(each)) each.run()
      }
    },
    pending: () => waiting.size,
  }
}

type End = 'done' | 'failed' | 'again'
interface Pass {
  readonly key: string
  readonly end: (how: End) => void
}

function scene(workers: number) {
  const timer = standingTimer()
  const open: Pass[] = []
  const starts: { readonly key: string; readonly at: number }[] = []
  const problems: string[] = []
  const failedAt = new Map<string, number>()
  const queue = createQueue({
    workers,
    timer,
    chance: () => 0.5,
    onFailure: (key) => void failedAt.set(key, timer.now()),
    work(key) {
      if (open.some((pass) => pass.key === key)) problems.push(`two passes over ${key} at once`)
      if (open.length >= workers) problems.push('more passes than workers')
      if (timer.now() < (failedAt.get(key) ?? 0) + 1000) problems.push(`${key} was tried again at once`)
      failedAt.delete(key)
      starts.push({ key, at: starts.length })
      return new Promise((resolve, reject) => {
        const end = (how: End): void => {
          open.splice(open.indexOf(pass), 1)
          if (how === 'failed') reject(new Error('failed'))
          else resolve(how === 'again' ? 5000 : undefined)
        }
        const pass = { key, end }
        open.push(pass)
      })
    },
  })
  return { timer, open, starts, problems, queue }
}

const step = fc.oneof(
  fc.record({ what: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c') }),
  fc.record({
    what: fc.constant('end' as const),
    which: fc.nat(2),
    how: fc.constantFrom<End>('done', 'failed', 'again'),
  }),
  fc.record({ what: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
)

test('whatever happens when: no key is lost, none is worked on twice at once, none more often than there was reason to', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (steps, workers) => {
      const { timer, open, starts, problems, queue } = scene(workers)
      const startsAtAdd = new Map<string, number>()
      let reasons = 0
      for (const each of steps) {
        if (each.what === 'add') {
          startsAtAdd.set(each.key, starts.length)
          reasons += 1
          queue.add(each.key)
        } else if (each.what === 'advance') timer.advance(each.ms)
        else {
          if (open[each.which] && each.how !== 'done') reasons += 1
          open[each.which]?.end(each.how)
        }
        await turn()
      }
      for (let i = 0; i < 100 && (open.length > 0 || timer.pending() > 0); i += 1) {
        for (const pass of open.slice()) pass.end('done')
        await turn()
        timer.advance(400_000)
        await turn()
      }
      for (const [key, before] of startsAtAdd) {
        if (!starts.some((start) => start.key === key && start.at >= before)) problems.push(`${key} was lost`)
      }
      if (starts.length > reasons) problems.push(`${starts.length} passes for ${reasons} reasons`)
      assert.deepEqual(problems, [])
      assert.equal(queue.depth(), 0)
    }),
    rounds(),
  )
})

test('failures wait twice as long each time, and no longer than five minutes; a success ends that', async () => {
  const { timer, open, starts, queue } = scene(1)
  queue.add('a')
  const waits: number[] = []
  for (let i = 0; i < 12; i += 1) {
    open[0]?.end('failed')
    await turn()
    let waitedMs = 0
    for (const before = starts.length; starts.length === before; waitedMs += 250) timer.advance(250)
    waits.push(waitedMs)
    await turn()
  }
  assert.deepEqual(waits.slice(0, 4), [1000, 1500, 3000, 6000])
  assert.equal(waits.at(-1), 225_000)
  open[0]?.end('done')
  await turn()
  queue.add('a')
  assert.equal(starts.length, 14)
})

test('what is asked for by a refusal is waited for', async () => {
  const timer = standingTimer()
  let passes = 0
  const queue = createQueue({
    workers: 1,
    timer,
    chance: () => 0,
    work: () => Promise.reject(new Error(`pass ${++passes}`)),
    onFailure: () => 20_000,
  })
  queue.add('a')
  await turn()
  timer.advance(19_999)
  queue.add('a')
  await turn()
  assert.equal(passes, 1)
  timer.advance(1)
  await turn()
  assert.equal(passes, 2)
})

test('a queue that is stopped ends when its last pass has ended, and begins none', async () => {
  const { timer, open, starts, queue } = scene(1)
  queue.add('a')
  queue.add('b')
  timer.advance(3000)
  assert.equal(queue.depth(), 1)
  assert.equal(queue.oldestMs(), 3000)
  let hasStopped = false
  const stopped = queue.stop().then(() => (hasStopped = true))
  queue.add('a')
  await turn()
  assert.equal(hasStopped, false)
  open[0]?.end('again')
  await stopped
  timer.advance(1_000_000)
  assert.equal(starts.length, 1)
})

test('keys that begin together do not come back together: the first time each comes at a moment of its own', async () => {
  const timer = standingTimer()
  const passes: string[] = []
  const chances = [0.25, 0.75]
  const queue = createQueue({
    workers: 2,
    timer,
    chance: () => chances.shift() ?? assert.fail('asked for more'),
    onFailure: () => undefined,
    work: (key) => Promise.resolve(passes.push(key) && 60_000),
  })
  const after = async (ms: number): Promise<readonly string[]> => {
    timer.advance(ms)
    await turn()
    return passes.splice(0)
  }
  queue.add('a')
  queue.add('b')
  assert.deepEqual(await after(0), ['a', 'b'])
  assert.deepEqual(await after(15_000), ['a'])
  assert.deepEqual(await after(30_000), ['b'])
  assert.deepEqual(await after(30_000), ['a'])
  assert.deepEqual(await after(30_000), ['b'])
})
