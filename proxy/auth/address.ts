import { isIPv4, isIPv6 } from 'node:net'

/** All who come without an address, as through a Unix socket, are one caller. */
const NOWHERE = 'unknown'

/**
 * What failures are counted by: an IPv4 address, or the /64 of an IPv6 address, which one customer has whole and could
 * walk through. An IPv4 address in the clothes of IPv6, as sockets that listen to both give it, is the IPv4 address.
 */
export function countedAddress(address: string | undefined): string {
  if (address === undefined) return NOWHERE
  const [bare = ''] = address.split('%') // the zone is this machine's name of an interface
  if (isIPv4(bare)) return bare
  if (!isIPv6(bare)) return NOWHERE
  const groups = groupsOf(bare)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (isMapped) return groups.slice(6).flatMap(bytesOf).join('.')
  const network = groups.slice(0, 4).map((group) => group.toString(16))
  return `${network.join(':')}::/64`
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const [before, after] = [partsOf(head), partsOf(tail ?? '')]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function partsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function bytesOf(group: number): [number, number] {
  return [group >> 8, group & 255]
}
