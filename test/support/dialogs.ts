/** What the tests ask, per endpoint. */
const messages = [{ role: 'user' as const, content: 'Was kostet die Überfahrt? 🚧' }]

export const message = { model: 'claude-fake', max_tokens: 100, messages }
export const chat = { model: 'gpt-fake', messages }
export const completion = { model: 'gpt-fake', prompt: 'Es war einmal' }
export const question = { model: 'gpt-fake', input: 'Was kostet die Überfahrt?' }

/** Every kind of token, each with a figure of its own. */
export const usage = { input: 10, cacheRead: 4, cacheWrite: 3, cacheWrite1h: 1, output: 20, reasoning: 6 }

/** The same in the columns of the ledger; the spend is uncached input, cache writes and output. */
export const usageColumns = {
  input_tokens: 10,
  cache_read_tokens: 4,
  cache_write_tokens: 3,
  output_tokens: 20,
  reasoning_tokens: 6,
  spend_tokens: 33,
}

/** Two answers of the fake upstream differ in the serial number of their ids and in nothing else. */
export function withoutSerial(text: string): string {
  return text.replaceAll(/fake\d+/g, 'fake#')
}

/** `actual`, reduced to the members that `like` has. */
export function pick<Row extends object>(actual: Row, like: object): Partial<Row> {
  return Object.fromEntries(Object.entries(actual).filter(([name]) => name in like)) as Partial<Row> // safe: a part of it
}

/** The data of each server-sent event; comments left out. */
export function eventsOf(text: string): string[] {
  return text
    .split(/\r?\n\r?\n/)
    .map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data: ')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice('data: '.length)).join('\n'))
}
