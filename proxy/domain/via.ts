/**
 * How a call that goes in a circle is found out: each gateway on its way adds itself to `Via` (RFC 9110, section 7.6.3).
 * By number and not by name: the circle may lead through any replica. What other proxies have added is not passed on.
 */
const OWN = '1.1 tollgate'
/** More than anybody would put one behind the other. */
const MOST = 3

/** What the next one gets. */
export function ownVia(via: string | undefined): string {
  return via === undefined ? OWN : Array.from({ length: timesIn(via) + 1 }, () => OWN).join(', ')
}

/** Whether the call has been through gateways like this one often enough. */
export function isLoop(via: string | undefined): boolean {
  return via !== undefined && timesIn(via) >= MOST
}

function timesIn(via: string): number {
  return Math.min(via.split(OWN).length - 1, MOST)
}
