import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { until } from './until.ts'

/** Waits until what is to be seen is as expected, and says what it is instead where it never is. */
export async function untilEqual<Value>(
  what: string,
  look: () => Promise<Value>,
  expected: Value,
  timeoutMs: number,
): Promise<void> {
  let seen: Value | undefined
  const isSeen = async (): Promise<boolean> => isDeepStrictEqual((seen = await look()), expected)
  await until(what, isSeen, timeoutMs).catch((error: unknown) => {
    if (seen !== undefined) assert.deepEqual(seen, expected, what)
    throw error
  })
}
