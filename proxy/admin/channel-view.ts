import type { ChannelOauth, ChannelQuota } from '../domain/channel.ts'
import type { ChannelChanges, ChannelInput } from '../domain/channel-input.ts'
import type { ChannelFields } from '../domain/whole-configuration.ts'
import type { ChannelChangesBody, ChannelView } from './channel-schema.ts'

const NANO_USD = 1e9
const QUEUE_SECONDS = 60

/** What a channel is of which nothing is said. */
export const PLAIN: Omit<ChannelView, 'name' | 'serviceType'> = {
  baseUrl: '',
  website: '',
  description: '',
  status: 'active',
  priority: 0,
  models: [],
  keyLoadBalance: null,
  modelMapping: {},
  priceMultipliers: {},
  compositeMappings: [],
  contentFilter: null,
  headerPolicy: { remove: [], set: {} },
  quotaType: null,
  quotaLimit: null,
  quotaModels: [],
  quotaResetMode: null,
  quotaResetAt: null,
  quotaResetInterval: null,
  quotaResetUnit: null,
  rateLimitRpm: 0,
  queueEnabled: false,
  queueTimeout: null,
  connectTimeout: null,
  responseHeaderTimeout: null,
  idleTimeout: null,
  insecureSkipVerify: false,
  tlsAuthorities: null,
}

/** A view with what a caller says instead. */
export function changed(view: Partial<ChannelView>, body: ChannelChangesBody): ChannelView {
  const { oauth: _, ...said } = body
  return { ...view, ...said } as ChannelView // safe: complete by its two callers; what JSON leaves out is not there
}

/** A channel in the words of the API. */
export function viewOf(channel: ChannelFields) {
  const { quota, timeouts, tls, headerPolicy } = channel
  return {
    name: channel.name,
    serviceType: channel.serviceType,
    baseUrl: channel.baseUrl,
    website: channel.website,
    description: channel.description,
    status: channel.status,
    priority: channel.priority,
    models: [...channel.models],
    keyLoadBalance: channel.keyBalance,
    modelMapping: channel.modelMapping,
    priceMultipliers: valuesOf(channel.priceMultipliers, (factors) => ({
      inputMultiplier: factors.input,
      outputMultiplier: factors.output,
      cacheCreationMultiplier: factors.cacheWrite,
      cacheReadMultiplier: factors.cacheRead,
    })),
    compositeMappings: channel.compositeMappings.map(({ pattern, targets: [first = '', ...others], model }) => ({
      pattern,
      targetChannelId: first,
      failoverTargets: others.map((id) => ({ channelId: id })),
      targetModel: model,
    })),
    contentFilter: channel.contentFilter && {
      enabled: channel.contentFilter.isEnabled,
      rules: channel.contentFilter.rules.map(({ keyword, status }) => ({ keyword, statusCode: status })),
    },
    headerPolicy: { remove: [...headerPolicy.remove], set: headerPolicy.set },
    quotaType: quota?.unit ?? null,
    quotaLimit: quota && (quota.unit === 'credit' ? quota.limit / NANO_USD : quota.limit),
    quotaModels: [...(quota?.models ?? [])],
    quotaResetMode: quota?.reset?.mode ?? null,
    quotaResetAt: quota?.reset?.at ?? null,
    quotaResetInterval: quota?.reset?.every ?? null,
    quotaResetUnit: quota?.reset?.unit ?? null,
    rateLimitRpm: channel.rpm ?? 0,
    queueEnabled: channel.queue !== null,
    queueTimeout: secondsOf(channel.queue?.timeoutMs),
    connectTimeout: secondsOf(timeouts.connectMs),
    responseHeaderTimeout: secondsOf(timeouts.firstByteMs),
    idleTimeout: secondsOf(timeouts.idleMs),
    insecureSkipVerify: tls.isInsecure,
    tlsAuthorities: tls.authorities,
  }
}

type Fields = Omit<ChannelInput, 'pool' | 'keys' | 'oauth'>

/** What a complete view, whose problems are none, says in the words of the gateway. */
export function fieldsOf(view: ChannelView): Fields {
  return {
    name: view.name,
    serviceType: view.serviceType,
    baseUrl: view.baseUrl.replace(/\/+$/, ''),
    website: view.website,
    description: view.description,
    status: view.status,
    priority: view.priority,
    models: view.models,
    keyBalance: view.keyLoadBalance,
    modelMapping: view.modelMapping,
    priceMultipliers: valuesOf(view.priceMultipliers, (factors) => ({
      input: factors.inputMultiplier,
      output: factors.outputMultiplier,
      cacheWrite: factors.cacheCreationMultiplier,
      cacheRead: factors.cacheReadMultiplier,
    })),
    compositeMappings: view.compositeMappings.map(({ pattern, targetChannelId, failoverTargets, targetModel }) => ({
      pattern,
      targets: [targetChannelId, ...failoverTargets.map(({ channelId }) => channelId)],
      model: targetModel,
    })),
    contentFilter: view.contentFilter && {
      isEnabled: view.contentFilter.enabled,
      rules: view.contentFilter.rules.map(({ keyword, statusCode }) => ({ keyword, status: statusCode })),
    },
    headerPolicy: view.headerPolicy,
    quota: quotaOf(view),
    rpm: view.rateLimitRpm === 0 ? null : view.rateLimitRpm,
    queue: view.queueEnabled ? { timeoutMs: msOf(view.queueTimeout ?? QUEUE_SECONDS) } : null,
    timeouts: {
      connectMs: view.connectTimeout && msOf(view.connectTimeout),
      firstByteMs: view.responseHeaderTimeout && msOf(view.responseHeaderTimeout),
      idleMs: view.idleTimeout && msOf(view.idleTimeout),
    },
    tls: { isInsecure: view.insecureSkipVerify, authorities: view.tlsAuthorities },
  }
}

/** Which field of a view is said by which field of a channel, where it has not the same name. */
const fieldByName: Partial<Record<keyof ChannelView, keyof Fields>> = {
  keyLoadBalance: 'keyBalance',
  quotaType: 'quota',
  quotaLimit: 'quota',
  quotaModels: 'quota',
  quotaResetMode: 'quota',
  quotaResetAt: 'quota',
  quotaResetInterval: 'quota',
  quotaResetUnit: 'quota',
  rateLimitRpm: 'rpm',
  queueEnabled: 'queue',
  queueTimeout: 'queue',
  connectTimeout: 'timeouts',
  responseHeaderTimeout: 'timeouts',
  idleTimeout: 'timeouts',
  insecureSkipVerify: 'tls',
  tlsAuthorities: 'tls',
}

/** What of `fields` the body speaks of: the rest is left to whoever changes it at the same time. */
export function changesOf(body: ChannelChangesBody, fields: Fields): ChannelChanges {
  const { oauth, ...rest } = body
  const names = Object.keys(rest) as (keyof ChannelView)[] // safe: the schema knows no others
  const named = new Set(names.map((name) => fieldByName[name] ?? name))
  const changes = Object.fromEntries(Object.entries(fields).filter(([field]) => named.has(field as keyof Fields))) // safe: a field of fields
  return { ...changes, ...(oauth !== undefined && { oauth: oauthOf(oauth) }) }
}

export function oauthOf(oauth: ChannelChangesBody['oauth']): ChannelOauth | null {
  return oauth ? { ...oauth, accessToken: null, expiresAt: null } : null
}

function quotaOf(view: ChannelView): ChannelQuota | null {
  const {
    quotaType: unit,
    quotaLimit,
    quotaModels,
    quotaResetMode,
    quotaResetAt,
    quotaResetInterval,
    quotaResetUnit,
  } = view
  if (unit === null || quotaLimit === null) return null
  const hasReset = quotaResetAt !== null && quotaResetInterval !== null && quotaResetUnit !== null
  return {
    unit,
    limit: unit === 'credit' ? Math.round(quotaLimit * NANO_USD) : quotaLimit,
    models: quotaModels,
    reset: hasReset
      ? { mode: quotaResetMode ?? 'fixed', at: quotaResetAt, every: quotaResetInterval, unit: quotaResetUnit }
      : null,
  }
}

function valuesOf<From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value)]))
}

function secondsOf(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : ms / 1000
}

function msOf(seconds: number): number {
  return Math.round(seconds * 1000)
}
