type Given<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** What a request says of these fields: what it leaves out is to stay, and is not to become undefined. */
export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T> // safe: what is undefined is left out
}
