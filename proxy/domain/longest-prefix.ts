/** The longest of the names that the text begins with, which is the text itself if that is one; undefined for none. */
export function longestPrefix(text: string, names: Iterable<string>): string | undefined {
  let longest: string | undefined
  for (const name of names) {
    if (text.startsWith(name) && name.length >= (longest?.length ?? 0)) longest = name
  }
  return longest
}
