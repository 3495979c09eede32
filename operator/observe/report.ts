import type { MigrationReport } from '../plan/observed.ts'

/** What `tollgate schema up --result` writes; undefined for anything else, such as the end of a log. */
export function readReport(text: string | undefined): MigrationReport | undefined {
  const told = parse(text)
  if (!isRecord(told)) return undefined
  const { to, pending, error } = told
  if (to === undefined && error === undefined) return undefined
  return {
    schema: typeof to === 'number' ? String(to) : undefined,
    pending: Array.isArray(pending) ? pending.filter((name) => typeof name === 'string') : undefined,
    error: isRecord(error) ? { code: String(error['code']), message: String(error['message']) } : undefined,
  }
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
