import { type DestinationStream, type Logger, pino, transport } from 'pino'

export type Log = Logger

const MAX_CAUSES = 5

/**
 * JSON lines; readable ones on a terminal. What is never logged: keys (their prefix is), secrets of channels, prompts,
 * answers, and query strings, since a search term is a prompt.
 */
export function createLog(level: string, isTerminal: boolean, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    redact: { paths: ['*.key', '*.secret', '*.authorization'], remove: true },
    serializers: { err: (value: unknown) => told(value, MAX_CAUSES) },
  }
  if (destination) return pino(options, destination)
  if (!isTerminal) return pino(options)
  return pino(options, transport({ target: 'pino-pretty', options: { colorize: true, translateTime: 'HH:MM:ss.l' } }))
}

/**
 * Of an error only what is known to be harmless. pino would copy every property, and those carry whole requests with
 * their keys (`rawPacket` of Node's parser), answers (`data` of undici's) and values (`parameters` of Sequelize's).
 */
function told(value: unknown, causes: number): unknown {
  if (!(value instanceof Error)) return value
  const { name, message, stack, cause } = value
  const code = 'code' in value ? value.code : undefined
  return {
    type: name,
    ...(code === undefined ? {} : { code }),
    // JSON.parse quotes what it could not read, and a stack begins with the message.
    ...(value instanceof SyntaxError ? { stack: framesOf(stack) } : { message, stack }),
    ...(cause instanceof Error && causes > 0 ? { cause: told(cause, causes - 1) } : {}),
  }
}

function framesOf(stack = ''): string {
  return stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .join('\n')
}
