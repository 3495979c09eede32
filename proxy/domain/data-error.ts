/** A store refuses entries for what they say, and would do so again: waiting does not help. */
export class DataError extends Error {
  override readonly name = 'DataError'
}
