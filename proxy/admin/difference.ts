/** What differs between two views of a thing, of each one: an audit log of whole things would be hard to read. */
export function difference<View extends object>(
  before: View,
  after: View,
): { readonly before: object; readonly after: object } {
  const names = (Object.keys(after) as (keyof View)[]) // safe: a view has what its schema knows, and nothing else
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  const of = (view: View): object => Object.fromEntries(names.map((name) => [name, view[name]]))
  return { before: of(before), after: of(after) }
}
