/** Whether a key may use a channel, by its id. */
export type Allowance = (channelId: string) => boolean

/** Most calls ask of a channel or two, for which a set of a long list is not worth making. */
const ASKED_OF_THE_LIST = 8

/** Null allows every channel. */
export function allowanceOf(ids: readonly string[] | null): Allowance {
  if (ids === null) return () => true
  let asked = 0
  let set: ReadonlySet<string> | undefined
  return (id) => {
    asked += 1
    if (asked <= ASKED_OF_THE_LIST) return ids.includes(id)
    set ??= new Set(ids)
    return set.has(id)
  }
}
