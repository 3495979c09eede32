import { readdirSync, readFileSync } from 'node:fs'
import type { GatewayProcess } from './gateway.ts'

/** How many files and sockets the process has open. */
export function openHandles({ process }: GatewayProcess): number {
  return readdirSync(`/proc/${process.pid}/fd`).length
}

/** The memory that the process holds now. */
export function residentBytes({ process }: GatewayProcess): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** Whether a server on this machine still holds its end of a connection, read or not. */
export function isHeld(serverPort: number, clientPort: number): boolean {
  const end = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'utf8').includes(`${end(serverPort)} ${end(clientPort)} 01`)
}
