const MAX_CHARS = 255

/**
 * A text from outside as every database takes it: bounded, whole code points, and no NUL, which PostgreSQL has no place
 * for. An entry that cannot be written would hold up all that come after it.
 */
export function storable(text: string): string {
  return text.slice(0, MAX_CHARS).replaceAll('\0', '').toWellFormed()
}
