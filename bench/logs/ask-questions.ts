import { Pool } from 'undici'
import { createChance } from '../chance.ts'
import { type Spread, spread } from '../quantile.ts'
import { type Ledger, questions } from './questions.ts'

export type Answer = {
  readonly what: string
  readonly ms: Spread
  /** What it took meanwhile to be answered with nothing: that much is the machine's. */
  readonly nothingP99Ms: number
  /** For one answer. */
  readonly cpuMs: number
  /** How often it was asked. */
  readonly asked: number
  readonly medianBytes: number
}

type Asking = {
  readonly origin: string
  readonly adminKey: string
  readonly ledger: Omit<Ledger, 'chance'>
  /** For each question. */
  readonly seconds: number
  /** What gateway and database have spent so far. */
  readonly cpuMs: () => number
  readonly say: (line: string) => void
}

const NOTHING = '/health/live'
/** For a 99th percentile, and where only the middle is looked at. */
const LEAST_ASKED = 50
const LEAST_ASKED_WITHOUT_LIMIT = 5
const MOST_ASKED = 400
/** Statements are compiled, pages are read into memory. */
const WARM_UPS = 3

/** One question after the other, by one caller. */
export async function askQuestions({
  origin,
  adminKey,
  ledger,
  seconds,
  cpuMs,
  say,
}: Asking): Promise<readonly Answer[]> {
  const pool = new Pool(origin, { connections: 1, headersTimeout: 60_000, bodyTimeout: 60_000 })
  const headers = { authorization: `Bearer ${adminKey}` }
  const answers: Answer[] = []
  for (const { what, path, limit } of questions) {
    const about: Ledger = { ...ledger, chance: createChance(7) }
    const ask = async (asked: string): Promise<{ ms: number; bytes: number }> => {
      const startedAt = performance.now()
      const { statusCode, body } = await pool.request({ method: 'GET', path: asked, headers })
      const text = await body.text()
      const ms = performance.now() - startedAt
      if (statusCode !== 200) throw new Error(`${asked} was answered with ${statusCode}: ${text.slice(0, 300)}`)
      return { ms, bytes: text.length }
    }
    for (let nth = 0; nth < WARM_UPS; nth++) await ask(path(about))
    const seen: Awaited<ReturnType<typeof ask>>[] = []
    const nothing: number[] = []
    const spentBefore = cpuMs()
    const deadline = performance.now() + seconds * 1000
    const least = limit === null ? LEAST_ASKED_WITHOUT_LIMIT : LEAST_ASKED
    while (seen.length < least || (seen.length < MOST_ASKED && performance.now() < deadline)) {
      seen.push(await ask(path(about)))
      nothing.push((await ask(NOTHING)).ms)
    }
    const spentMs = cpuMs() - spentBefore
    const ms = spread(seen.map((one) => one.ms))
    answers.push({
      what,
      ms,
      nothingP99Ms: spread(nothing).p99,
      cpuMs: spentMs / seen.length,
      asked: seen.length,
      medianBytes: spread(seen.map(({ bytes }) => bytes)).p50,
    })
    say(`${what}: p50 ${ms.p50.toFixed(1)} ms, p99 ${ms.p99.toFixed(1)} ms`)
  }
  await pool.destroy()
  return answers
}
