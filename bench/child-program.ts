import type { z } from 'zod'

/** A program of the bench ends with its harness, however that ended. */
export function endWithHarness(): void {
  process.on('disconnect', () => process.exit())
  // Ctrl-C reaches the whole terminal; the harness ends its children in order.
  process.on('SIGINT', () => {})
}

/** Each message of the harness is answered by one, so that it can wait until the message has taken effect. */
export function answerHarness<Schema extends z.ZodType>(
  schema: Schema,
  receive: (message: z.output<Schema>) => object | Promise<object>,
): void {
  endWithHarness()
  process.on('message', (message) => void Promise.resolve(receive(schema.parse(message))).then(tellHarness))
}

export function tellHarness(message: object): void {
  process.send?.(message)
}
