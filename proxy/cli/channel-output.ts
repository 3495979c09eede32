import type { ShownChannel } from '../channel-desk.ts'
import { columns } from './columns.ts'

/** Channels for people, in columns. */
export function channelTable(channels: readonly ShownChannel[]): string {
  const header = ['POOL', 'NAME', 'TYPE', 'STATUS', 'PRIORITY', 'KEYS', 'MODELS', 'BASE URL', 'ID']
  const rows = channels.map((channel) => [
    channel.pool,
    channel.name,
    channel.serviceType,
    standingOf(channel),
    channel.priority === 0 ? '-' : `${channel.priority}`,
    channel.oauth ? 'OAuth' : `${channel.apiKeyCount}`,
    channel.models.join(' ') || '-',
    channel.baseUrl || '-',
    channel.id,
  ])
  return columns([header, ...rows])
}

function standingOf({ status, fault, suspendedUntil }: ShownChannel): string {
  if (fault !== null) return `${status} (faulty)`
  return suspendedUntil === null ? status : `${status} (left alone until ${suspendedUntil})`
}

/** All that there is to say of a channel, a line each. */
export function channelDetails(channel: ShownChannel): string {
  const { maskedKeys, index: _, ...said } = channel
  const rows = Object.entries(said).flatMap(([name, value]) => (saysNothing(value) ? [] : [[name, textOf(value)]]))
  return columns([...rows, ...maskedKeys.map(({ id, masked }) => ['key', `${masked} ${id}`])])
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const isPlainList = Array.isArray(value) && value.every((item) => typeof item === 'string')
  return isPlainList ? value.join(' ') : JSON.stringify(value)
}

function saysNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(saysNothing)
  return value === null || value === '' || value === false || value === 0
}
