import { z } from 'zod'
import { pools } from '../domain/channel.ts'

export const instant = z.iso.datetime().describe('ISO 8601, in UTC')

/** An instant that comes in, in milliseconds since the epoch. */
export const instantInput = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .describe('ISO 8601, with its offset or Z')

export const pool = z.enum(pools).describe('The wire format that callers of the channel speak')

export const done = z.strictObject({ success: z.boolean(), message: z.string() })

/** A line of text as every database takes it and every log shows it. */
export function line(maxChars: number) {
  return z
    .string()
    .trim()
    .max(maxChars)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'Write it without control characters.')
}

/** The same with line breaks in it. */
export function lines(maxChars: number) {
  return z
    .string()
    .max(maxChars)
    .refine((text) => text.isWellFormed() && !/[^\P{Cc}\n\r\t]/u.test(text), 'Write it without control characters.')
}

/** An object with names that callers choose. */
export function recordOf<Value extends z.ZodType>(name: z.ZodType<string, string>, value: Value, maxEntries: number) {
  return z
    .record(name, value)
    .refine((record) => Object.keys(record).length <= maxEntries, `Not more than ${maxEntries} entries.`)
}

export function iso(at: number): string
export function iso(at: number | null): string | null
export function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
