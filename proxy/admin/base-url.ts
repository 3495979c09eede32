import { isForbiddenHost } from '../domain/outbound-address.ts'

/**
 * What is wrong with a URL to which the gateway is to send calls; undefined if nothing is. A name that leads to a
 * forbidden address is found out when it is connected to. `ownHost` is the host, with its port, at which the gateway
 * itself was just called: a call that comes back to it would never end.
 */
export function urlProblem(text: string, ownHost: string | undefined): string | undefined {
  const url = URL.parse(text)
  if (url === null || !/^https?:\/\//i.test(text)) return 'This is no URL that begins with http:// or https://.'
  if (url.username !== '' || url.password !== '') return 'Credentials have no place in a URL.'
  if (url.hash !== '' || url.search !== '' || /[?#]/.test(text)) return 'Leave out the query and the fragment.'
  if (isForbiddenHost(url.hostname)) return 'Link-local addresses and metadata services are not called.'
  return url.host === ownHost?.toLowerCase() ? 'This is the gateway itself.' : undefined
}
