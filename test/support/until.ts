/**
 * More than a busy machine needs, and less than the 30 s after which the gateway comes to much by itself that a test
 * wants to see it told of.
 */
const HANGS_MS = 25_000

/** Waits until `condition` answers something, and answers that; looks again every few milliseconds. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = HANGS_MS,
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value as Exclude<NonNullable<T>, false> // safe: it is truthy
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
