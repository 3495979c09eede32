import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

const MAX_CAUSES = 5

/** JSON lines that look like the proxy's. Nothing of a Secret is handed to it. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = { level, base: null, serializers: { err: (value: unknown) => told(value, MAX_CAUSES) } }
  return destination ? pino(options, destination) : pino(options)
}

/** Of an error only what is known to be harmless: pino would copy every property, answers of servers among them. */
function told(value: unknown, causes: number): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  const code = 'code' in value ? value.code : undefined
  return {
    type: name,
    ...(code === undefined ? {} : { code }),
    // JSON.parse quotes what it could not read.
    ...(value instanceof SyntaxError ? {} : { message, stack }),
    ...(cause instanceof Error && causes > 0 ? { cause: told(cause, causes - 1) } : {}),
  }
}
