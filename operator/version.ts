import { readFileSync } from 'node:fs'

/** As package.json says; it lies above the sources and above the compiled files alike. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version // safe: our own package.json
