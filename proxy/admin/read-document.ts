import { PLAIN_CHANNEL, type Channel } from '../domain/channel.ts'
import type { FieldProblem } from '../domain/errors.ts'
import type { GivenChannel, GivenConfiguration } from '../domain/whole-configuration.ts'
import type { ChannelParts } from './channel-parts.ts'
import { channelProblems } from './channel-problems.ts'
import { changed, fieldsOf, oauthOf, PLAIN } from './channel-view.ts'
import { type ConfigDocument, type DocumentChannel, settingKinds } from './config-document.ts'
import { given } from './given.ts'
import { budgetsOf } from './key-budgets.ts'
import { modelAliasesOf } from './model-alias-operations.ts'
import { readPriceList } from './price-list.ts'
import { requestInvalid } from './problems.ts'
import type { RuleProblems } from './setting-kind.ts'

export interface DocumentRules extends Pick<ChannelParts, 'environment' | 'compositeProblems'>, RuleProblems {}

/** What a document says, held against the rules that the single operations have. Throws `request_invalid`. */
export function readDocument(
  document: ConfigDocument,
  rules: DocumentRules,
  ownHost: string | undefined,
): GivenConfiguration {
  const { pricing, modelAliases, userAliases, tenants } = document
  const problems: FieldProblem[] = []
  const found = (place: string, list: readonly FieldProblem[]): void => {
    problems.push(...list.map(({ field, message }) => ({ field: `${place}.${field}`, message })))
  }
  const channels = document.channels && readChannels(document.channels, rules, ownHost, found)
  const prices = pricing && readPriceList(pricing)
  if (prices) found('pricing', prices.problems)
  const settings = document.settings && readSettings(document.settings, rules, found)
  const users = userAliases && Object.entries(userAliases).map(([userId, alias]) => ({ userId, alias }))
  found('userAliases', repeated((users ?? []).map(({ userId, alias }) => [alias, userId])))
  found('tenants', repeated((tenants ?? []).map(({ id }, at) => [id, `${at}.id`])))
  found('tenants', repeated((tenants ?? []).map(({ name }, at) => [name, `${at}.name`])))
  if (problems.length > 0) throw requestInvalid(problems)
  return {
    ...(channels && { channels }),
    ...(prices && { prices: prices.prices }),
    ...(modelAliases && { modelAliases: modelAliasesOf(modelAliases) }),
    ...(users && { userAliases: users }),
    ...(settings && { settings }),
    ...(tenants && {
      tenants: tenants.map(({ id, name, ...fields }) => ({ id, name, ...given(budgetsOf(fields)) })),
    }),
  }
}

type Found = (place: string, problems: readonly FieldProblem[]) => void

function readChannels(
  said: readonly DocumentChannel[],
  { environment, compositeProblems }: DocumentRules,
  ownHost: string | undefined,
  found: Found,
): readonly GivenChannel[] {
  const read = said.map((channel, at) => {
    const { problems, given: itself } = readChannel(channel, ownHost)
    found(`channels.${at}`, problems)
    return itself
  })
  const keys = read.flatMap(({ sealedKeys }, channel) =>
    sealedKeys.map(({ id }, at) => [id, `${channel}.encryptedKeys.${at}.id`] as const),
  )
  found('channels', repeated(read.map(({ id }, at) => [id, `${at}.id`])))
  found('channels', repeated(read.map(({ pool, name }, at) => [`${pool} ${name}`, `${at}.name`])))
  found('channels', repeated(keys))
  const all: readonly Channel[] = [...read.map((channel) => ({ ...PLAIN_CHANNEL, ...channel })), ...environment]
  for (const [at, channel] of all.slice(0, read.length).entries()) {
    if (channel.serviceType !== 'composite') continue
    const problems = compositeProblems(channel, all).map((message) => ({ field: 'compositeMappings', message }))
    found(`channels.${at}`, problems)
  }
  return read
}

function readChannel(said: DocumentChannel, ownHost: string | undefined) {
  const { id, pool, serviceType, apiKeys = [], encryptedKeys = [], encryptedOauth = null, ...rest } = said
  const view = { ...changed(PLAIN, rest), serviceType }
  const hasKeys = apiKeys.length > 0 || encryptedKeys.length > 0 || encryptedOauth !== null
  const isTwice = encryptedOauth !== null && Boolean(rest.oauth)
  const problems = [
    ...channelProblems({ body: rest, view, pool, hasKeys, ownHost }),
    ...(isTwice ? [{ field: 'oauth', message: 'Give it or encryptedOauth, not both.' }] : []),
  ]
  const itself: GivenChannel = {
    ...fieldsOf(view),
    id,
    pool,
    sealedKeys: encryptedKeys,
    sealedOauth: encryptedOauth,
    newKeys: apiKeys,
    newOauth: oauthOf(rest.oauth),
  }
  return { problems, given: itself }
}

function readSettings(
  said: NonNullable<ConfigDocument['settings']>,
  rules: RuleProblems,
  found: Found,
): NonNullable<GivenConfiguration['settings']> {
  const settings = new Map<string, object | undefined>()
  for (const [name, { stored, read }] of Object.entries(settingKinds)) {
    const value = said[name]
    const setting = value === undefined ? undefined : read(value, rules)
    if (setting?.kind === 'invalid') found(`settings.${name}`, setting.problems)
    else settings.set(stored, setting?.value)
  }
  return settings
}

/** What one before it has said, too. */
function repeated(said: readonly (readonly [value: string, field: string])[]): readonly FieldProblem[] {
  const seen = new Set<string>()
  return said.flatMap(([value, field]) => {
    const isTaken = seen.has(value)
    seen.add(value)
    return isTaken ? [{ field, message: 'It stands in the document twice.' }] : []
  })
}
