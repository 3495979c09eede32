/** A markdown table: the first column is text, the others are set to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const ruler = headings.map((_, at) => (at === 0 ? '---' : '--:'))
  return [headings, ruler, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Three digits that count, and no more than three decimals. */
export function number(value: number): string {
  if (Number.isNaN(value)) return '–'
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
}
