/** A decimal number and its unit (kubernetes.io: "Quantity"). */
const QUANTITY = /^(?<digits>[+-]?[0-9]+(?:\.[0-9]+)?)(?<unit>[eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE])?$/
const DECIMAL = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 } as const
const AMOUNTS: ReadonlySet<string> = new Set(['requests', 'limits', 'hard'])

/**
 * Whether the object says all that is wanted of it. What it says besides are defaults and others' fields. The API server
 * writes amounts in its own way: what was applied as 1000m is read as 1.
 */
export function holds(live: unknown, wanted: unknown, isAmount = false): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => holds(live[index], item))
    )
  }
  if (isRecord(wanted)) {
    if (!isRecord(live)) return Object.keys(wanted).length === 0 && live === undefined
    return Object.entries(wanted).every(([name, value]) =>
      isRecord(value) && AMOUNTS.has(name)
        ? Object.entries(value).every(([resource, amount]) => holds(amountOf(live[name], resource), amount, true))
        : holds(live[name], value),
    )
  }
  return live === wanted || (isAmount && isSameAmount(live, wanted))
}

function isSameAmount(one: unknown, other: unknown): boolean {
  const value = valueOf(one)
  return value !== undefined && value === valueOf(other)
}

function amountOf(amounts: unknown, resource: string): unknown {
  return isRecord(amounts) ? amounts[resource] : undefined
}

function valueOf(amount: unknown): number | undefined {
  const { digits, unit = '' } = QUANTITY.exec(String(amount))?.groups ?? {}
  return digits === undefined ? undefined : Number(digits) * factorOf(unit)
}

function factorOf(unit: string): number {
  if (unit.endsWith('i')) return 1024 ** ('KMGTPE'.indexOf(unit.charAt(0)) + 1)
  if (unit.length > 1) return Number(`1${unit}`)
  return unit in DECIMAL ? 10 ** DECIMAL[unit as keyof typeof DECIMAL] : 1 // safe: asked for the line before
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
