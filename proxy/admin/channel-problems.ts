import { X509Certificate } from 'node:crypto'
import type { Pool } from '../domain/channel.ts'
import type { FieldProblem } from '../domain/errors.ts'
import { urlProblem } from './base-url.ts'
import type { ChannelChangesBody, ChannelView } from './channel-schema.ts'
import { headerProblems } from './header-problems.ts'

export interface SaidOfChannel {
  /** What the caller says. */
  readonly body: ChannelChangesBody
  /** What the channel would be. */
  readonly view: ChannelView
  readonly pool: Pool
  readonly hasKeys: boolean
  /** At which host the gateway itself was called. */
  readonly ownHost: string | undefined
}

/** What is wrong with a channel by itself: fields that are good each contradict one another. */
export function channelProblems(said: SaidOfChannel): readonly FieldProblem[] {
  const { body, view, ownHost } = said
  const isWebsite = view.website === '' || /^https?:$/.test(URL.parse(view.website)?.protocol ?? '')
  const tokenUrlProblem = body.oauth ? urlProblem(body.oauth.tokenUrl, ownHost) : undefined
  return [
    ...typeProblems(said),
    ...found('website', !isWebsite, 'This is no URL that begins with http:// or https://.'),
    ...found('oauth.tokenUrl', tokenUrlProblem !== undefined, tokenUrlProblem ?? ''),
    ...headerProblems(view.headerPolicy, 'headerPolicy.'),
    ...quotaProblems(body, view),
    ...found(
      'queueEnabled',
      view.queueEnabled && view.rateLimitRpm === 0,
      'Only a channel with rateLimitRpm has a queue.',
    ),
    ...found('queueTimeout', !view.queueEnabled && isSaid(body.queueTimeout), 'It needs queueEnabled.'),
    ...found('tlsAuthorities', !areCertificates(view.tlsAuthorities), 'These are no certificates in PEM.'),
  ]
}

function typeProblems({ body, view, pool, hasKeys, ownHost }: SaidOfChannel): readonly FieldProblem[] {
  const { serviceType, baseUrl, compositeMappings } = view
  const misplaced = (serviceType === 'brave') !== (pool === 'search')
  const inPlace = found('serviceType', misplaced, 'brave belongs into the pool search, and nothing else does.')
  if (serviceType === 'composite') {
    return [
      ...inPlace,
      ...found('baseUrl', baseUrl !== '', 'A composite sends to other channels and has no URL.'),
      ...found('apiKeys', hasKeys || Boolean(body.oauth), 'A composite has no keys.'),
    ]
  }
  const problem = urlProblem(baseUrl, ownHost)
  return [
    ...inPlace,
    ...found('baseUrl', problem !== undefined, problem ?? ''),
    ...found('compositeMappings', compositeMappings.length > 0, 'Only a composite has them.'),
  ]
}

/** What is switched off takes its settings along; to give it some at the same time is a mistake. */
function quotaProblems(body: ChannelChangesBody, view: ChannelView): readonly FieldProblem[] {
  const { quotaType, quotaLimit, quotaResetAt } = view
  if (quotaType === null) {
    const isSaidAnyway = isSaid(body.quotaLimit) || isSaid(body.quotaResetAt) || (body.quotaModels ?? []).length > 0
    return found('quotaType', isSaidAnyway, 'A quota needs its type.')
  }
  const isCountable =
    quotaType === 'credit' ? (quotaLimit ?? 0) >= 1e-9 : Number.isInteger(quotaLimit) && quotaLimit !== 0
  const needed = (['quotaResetInterval', 'quotaResetUnit'] as const).flatMap((field) =>
    found(field, quotaResetAt !== null && view[field] === null, 'A reset needs its interval and unit.'),
  )
  const isResetSaid = isSaid(body.quotaResetInterval) || isSaid(body.quotaResetUnit) || isSaid(body.quotaResetMode)
  return [
    ...found('quotaLimit', !isCountable, 'A quota needs a limit above 0, of requests a whole one.'),
    ...needed,
    ...found('quotaResetAt', quotaResetAt === null && isResetSaid, 'A reset needs to begin.'),
  ]
}

function areCertificates(pem: string | null): boolean {
  if (pem === null) return true
  const blocks = pem.split(/(?<=-----END CERTIFICATE-----)/).filter((block) => block.trim() !== '')
  try {
    return blocks.map((block) => new X509Certificate(block.trim())).length > 0
  } catch {
    return false
  }
}

function isSaid(value: unknown): boolean {
  return value !== null && value !== undefined
}

function found(field: string, isWrong: boolean, message: string): readonly FieldProblem[] {
  return isWrong ? [{ field, message }] : []
}
