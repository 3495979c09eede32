/** Where clouds tell a machine its own credentials (RFC 3927 link-local apart): AWS and Google by IPv6, Alibaba, Oracle, Azure. */
const metadata = ['fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '192.0.0.192', '168.63.129.16']

const metadataNames = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
])

/**
 * Whether nothing of ours may ever connect to this IP address, whoever asks for it: link-local addresses and metadata
 * services, also where they are written as, or hidden in, an address of IPv6. What is no IP address is not one of them.
 */
export function isForbiddenAddress(address: string): boolean {
  const groups = groupsOf(address)
  if (groups === undefined) return false
  const [first = 0] = groups
  const isLinkLocal = (first & 0xffc0) === 0xfe80 // RFC 4291 section 2.5.6
  const isUnspecified = groups.every((group) => group === 0) // a connection to it goes to this machine
  return isLinkLocal || isUnspecified || isMetadata(groups) || embedded(groups).some(isForbiddenV4)
}

/** The same of a host as a URL has it: a name, an address, an address of IPv6 in brackets. */
export function isForbiddenHost(host: string): boolean {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  return metadataNames.has(bare) || isForbiddenAddress(bare)
}

type Pair = readonly [high: number, low: number]

function isForbiddenV4([high, low]: Pair): boolean {
  const isLinkLocal = high === 0xa9_fe // 169.254.0.0/16
  const isThisNetwork = high < 0x100 // 0.0.0.0/8, RFC 791
  return isLinkLocal || isThisNetwork || isMetadata([0, 0, 0, 0, 0, 0xffff, high, low])
}

/** The IPv4 addresses that an IPv6 address leads to: mapped (RFC 4291), by NAT64 (RFC 6052), by 6to4 (RFC 3056). */
function embedded(groups: readonly number[]): readonly Pair[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  const isMapped = a + b + c + d + e === 0 && f === 0xffff
  const isNat64 = a === 0x64 && b === 0xff9b && c + d + e + f === 0
  const isCompatible = a + b + c + d + e + f === 0 && g > 0
  if (isMapped || isNat64 || isCompatible) return [[g, h]]
  return a === 0x2002 ? [[b, c]] : []
}

function isMetadata(groups: readonly number[]): boolean {
  return metadata.some((address) => groupsOf(address)?.every((group, at) => group === groups[at]))
}

/** The eight groups of an address, one of IPv4 as mapped into IPv6; undefined if it is none. */
function groupsOf(address: string): readonly number[] | undefined {
  const [bare = ''] = address.split('%') // the zone is a name of an interface
  if (!bare.includes(':')) {
    const pair = pairOf(bare)
    return pair && [0, 0, 0, 0, 0, 0xffff, ...pair]
  }
  const [head = '', tail, more] = bare.split('::')
  const [before, after] = [partsOf(head), partsOf(tail ?? '')]
  if (before === undefined || after === undefined || more !== undefined) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  return [...before, ...Array<number>(missing).fill(0), ...after]
}

function partsOf(text: string): readonly number[] | undefined {
  if (text === '') return []
  const parts = text.split(':').map((part, at, all) => {
    if (part.includes('.') && at === all.length - 1) return pairOf(part)
    return /^[\da-f]{1,4}$/i.test(part) ? [Number.parseInt(part, 16)] : undefined
  })
  return parts.includes(undefined) ? undefined : parts.flatMap((part) => part ?? [])
}

function pairOf(text: string): Pair | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return Math.max(a, b, c, d) > 255 ? undefined : [a * 256 + b, c * 256 + d]
}
