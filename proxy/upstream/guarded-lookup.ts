import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isForbiddenAddress, isForbiddenHost } from '../domain/outbound-address.ts'

/** A connection that nothing of ours may make: to a link-local address or a metadata service. */
export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress'
  readonly code = 'FORBIDDEN_ADDRESS'
}

/**
 * Finds the addresses of a host, as the system does, and refuses forbidden ones. At every connection, since what a name
 * leads to is its owner's to change at any time (DNS rebinding).
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) {
      callback(error, '', 0)
      return
    }
    const [first] = addresses
    if (first === undefined || addresses.some(({ address }) => isForbiddenAddress(address))) {
      callback(new ForbiddenAddress(`${hostname} leads to an address that is not called`), '', 0)
    } else if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

/** Of a host that is an address itself nobody looks anything up. Throws `ForbiddenAddress`. */
export function checkHost(hostname: string): void {
  if (isForbiddenHost(hostname)) throw new ForbiddenAddress(`${hostname} is an address that is not called`)
}
