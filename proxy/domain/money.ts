/** Money is a whole number of nano-USD: a price of 0.1 has no exact floating-point number, and budgets add up many. */
const DECIMALS = 9
const NANO_USD = 10 ** DECIMALS

/** Reads `3`, `0.25` or `.5` USD as nano-USD; undefined for what is no such amount, or finer or larger than we count. */
export function parseUsd(text: string): number | undefined {
  const [, whole = '', decimals = ''] = /^(\d*)(?:\.(\d{1,9}))?$/.exec(text) ?? []
  const nanoUsd = Number(whole + decimals.padEnd(DECIMALS, '0'))
  return whole + decimals !== '' && Number.isSafeInteger(nanoUsd) ? nanoUsd : undefined
}

/** The amount in USD, with two decimals or as many as it needs. */
export function formatUsd(nanoUsd: number): string {
  const rest = nanoUsd % NANO_USD
  const decimals = String(rest)
    .padStart(DECIMALS, '0')
    .replace(/0{1,7}$/, '')
  return `${(nanoUsd - rest) / NANO_USD}.${decimals}`
}
