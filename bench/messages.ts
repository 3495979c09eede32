import { z } from 'zod'

/** What the harness and its programs say to each other over IPC. */

export const announcementSchema = z.object({ port: z.number() })
export const settledSchema = z.object({})

/** How slowly the upstream answers. */
export const pacingSchema = z.object({ delayMs: z.number(), gapMs: z.number(), contentEvents: z.number() })
export type Pacing = Readonly<z.infer<typeof pacingSchema>>

/**
 * Closed: so many callers, each of which calls again when it was answered. Open: calls come at a rate, whatever
 * becomes of the earlier ones. Steady: the same for higher rates, in small groups, and idle in between. Burst: all at
 * once, each one once.
 */
const paceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('closed'), connections: z.number(), seconds: z.number() }),
  z.object({ kind: z.literal('open'), connections: z.number(), seconds: z.number(), perSecond: z.number() }),
  z.object({ kind: z.literal('steady'), connections: z.number(), seconds: z.number(), perSecond: z.number() }),
  z.object({ kind: z.literal('burst'), connections: z.number() }),
])
export type Pace = Readonly<z.infer<typeof paceSchema>>

export const jobSchema = z.object({
  /** Calls go to one after the other. */
  origins: z.array(z.string()).min(1),
  /** The calls take turns with them, too. */
  keys: z.array(z.string()).min(1),
  api: z.enum(['messages', 'chat']),
  promptBytes: z.number(),
  isStream: z.boolean(),
  contentEvents: z.number(),
  pace: paceSchema,
})
export type Job = Readonly<z.infer<typeof jobSchema>>

/** The NaN of "nothing was measured" travels as null. */
const measuredSchema = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN)
const spreadSchema = z.object({ p50: measuredSchema, p99: measuredSchema })

export const loadResultSchema = z.object({
  completed: z.number(),
  failed: z.number(),
  firstFailure: z.string().nullable(),
  elapsedMs: z.number(),
  events: z.number(),
  firstByteMs: spreadSchema,
  wholeMs: spreadSchema,
})
export type LoadResult = Readonly<z.infer<typeof loadResultSchema>>
