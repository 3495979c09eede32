import type { HeaderPolicy } from '../domain/channel.ts'
import { isNamed } from '../domain/endpoint.ts'

/** What is done to headers on the way to a channel: what holds for all, and the channel's own, which wins. */
export function withCommonHeaders(own: HeaderPolicy, common: HeaderPolicy): HeaderPolicy {
  const set = Object.entries(common.set).filter(([name]) => !isNamed(name, own.remove))
  return { remove: [...common.remove, ...own.remove], set: { ...Object.fromEntries(set), ...own.set } }
}
