/**
 * Edits of one top-level member of a JSON object, as text. Parsing and printing the whole would be shorter, but
 * would round long integers and reorder numeric member names: everything that is not edited keeps its bytes.
 * All functions expect text that `JSON.parse` has accepted as an object.
 */

/** Adds a member that the object does not have. */
export function addTopLevel(text: string, name: string, value: string): string {
  const end = text.lastIndexOf('}')
  const isEmpty = /\{\s*$/.test(text.slice(0, end))
  return `${text.slice(0, end)}${isEmpty ? '' : ','}${JSON.stringify(name)}:${value}${text.slice(end)}`
}

/** Replaces the value of a member, every time it stands there (parsers keep the last, some the first); adds it if absent. */
export function replaceTopLevel(text: string, name: string, value: string): string {
  const ranges = [...valuesOf(text, name)]
  if (ranges.length === 0) return addTopLevel(text, name, value)
  let edited = text
  for (const [start, end] of ranges.toReversed()) edited = edited.slice(0, start) + value + edited.slice(end)
  return edited
}

function* valuesOf(text: string, name: string): Generator<readonly [start: number, end: number]> {
  let at = text.indexOf('{') + 1
  for (;;) {
    at = skipSpace(text, at)
    if (text[at] === ',') at = skipSpace(text, at + 1)
    if (text[at] !== '"') return
    const nameEnd = stringEnd(text, at)
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1)
    const end = valueEnd(text, start)
    if (JSON.parse(text.slice(at, nameEnd)) === name) yield [start, end]
    at = end
  }
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}

/** The position behind the string that opens at `from`. */
function stringEnd(text: string, from: number): number {
  let at = from
  for (;;) {
    at = text.indexOf('"', at + 1)
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at + 1
  }
}

function valueEnd(text: string, from: number): number {
  let depth = 0
  let at = from
  do {
    const char = text[at]
    if (char === '{' || char === '[') depth++
    if (char === '}' || char === ']') depth--
    if (char === '"') at = stringEnd(text, at)
    else if (depth > 0 || char === '}' || char === ']') at++
    else while (/[^\s,}\]]/.test(text[at] ?? ',')) at++
  } while (depth > 0)
  return at
}
