import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Of a longer header only the end is read, which the nearest proxies have written. */
const MAX_HOPS = 32

/**
 * Where a request comes from: the peer, or whom a trusted peer names, and so on as long as that one is trusted as well.
 * What stands left of the first address that is not trusted is what anybody could have written there. Trusted are
 * addresses and ranges such as 10.0.0.0/8.
 */
export function clientAddressBehind(
  trusted: readonly string[],
): (req: Pick<IncomingMessage, 'headers' | 'socket'>) => string | undefined {
  const list = new BlockList()
  for (const range of trusted) {
    const [address = '', prefix] = range.split('/')
    if (prefix === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(prefix), familyOf(address))
  }
  const isTrusted = (address: string): boolean => list.check(address, familyOf(address))

  return ({ headers, socket }) => {
    const { remoteAddress } = socket
    const named = headers['x-forwarded-for']
    if (trusted.length === 0 || remoteAddress === undefined || named === undefined) return remoteAddress
    let client = remoteAddress
    let text = String(named)
    for (let hops = 0; hops < MAX_HOPS && text !== '' && isTrusted(client); hops += 1) {
      const comma = text.lastIndexOf(',')
      const next = addressIn(text.slice(comma + 1).trim())
      if (next === undefined) break
      client = next
      text = text.slice(0, Math.max(0, comma))
    }
    return client
  }
}

/** Some proxies write the port, too: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function addressIn(entry: string): string | undefined {
  const address =
    /^\[(?<bracketed>[^\]]*)\](?::\d+)?$/.exec(entry)?.groups?.['bracketed'] ?? entry.replace(/^([\d.]+):\d+$/, '$1')
  return isIP(address) === 0 ? undefined : address
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}
