import { type Logger, pino, transport } from 'pino'

export type Log = Logger

/**
 * JSON lines; readable ones on a terminal. What is never logged: keys (their prefix is), secrets of channels, prompts,
 * answers, and query strings, since a search term is a prompt.
 */
export function createLog(level: string, isTerminal: boolean): Log {
  const options = { level, base: null, redact: { paths: ['*.key', '*.secret', '*.authorization'], remove: true } }
  if (!isTerminal) return pino(options)
  return pino(options, transport({ target: 'pino-pretty', options: { colorize: true, translateTime: 'HH:MM:ss.l' } }))
}
