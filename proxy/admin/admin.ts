import type { ApiDocument } from '../domain/api-document.ts'
import { type AuditParts, auditOperations } from './audit-operations.ts'
import { type BackupParts, backupOperations } from './backup-operations.ts'
import { channelKeyOperations } from './channel-key-operations.ts'
import { type ChannelMappingParts, channelMappingOperations } from './channel-mapping-operations.ts'
import { channelMetricsOperation, type ChannelMetricsParts } from './channel-metrics-operation.ts'
import { channelOperations } from './channel-operations.ts'
import type { ChannelParts } from './channel-parts.ts'
import { type ChannelProbeParts, channelProbeOperations } from './channel-probe-operations.ts'
import { channelStateOperations } from './channel-state-operations.ts'
import { channelUsageOperations, type ChannelUsageParts } from './channel-usage-operations.ts'
import { type ConfigParts, configOperations } from './config-operations.ts'
import { debugLogOperations } from './debug-log-operations.ts'
import { documentOperation } from './document-operation.ts'
import { headerOperations } from './header-operations.ts'
import { healthOperation, type HealthParts } from './health-operation.ts'
import { keyOperations } from './key-operations.ts'
import { keyStateOperations } from './key-state-operations.ts'
import { type LogParts, logOperations } from './log-operations.ts'
import { type ModelAliasParts, modelAliasOperations } from './model-alias-operations.ts'
import { openApiOf } from './openapi.ts'
import type { DocumentedOperation } from './operation.ts'
import { type PriceParts, priceOperations } from './price-operations.ts'
import { rateLimitOperations } from './rate-limit-operations.ts'
import { schedulerOperations, type SchedulerParts } from './scheduler-operations.ts'
import { type SettingParts, settingOperations } from './setting-operations.ts'
import { tenantOperations } from './tenant-operations.ts'
import { usageOperations, type UsageParts } from './usage-operations.ts'
import { type UserAliasParts, userAliasOperations } from './user-alias-operations.ts'

/** What the operations work on. */
export interface AdminParts
  extends
    ChannelParts,
    ChannelProbeParts,
    ChannelMappingParts,
    ChannelMetricsParts,
    ChannelUsageParts,
    HealthParts,
    SchedulerParts,
    UsageParts,
    LogParts,
    PriceParts,
    ModelAliasParts,
    UserAliasParts,
    SettingParts,
    ConfigParts,
    BackupParts,
    AuditParts {}

interface Admin {
  readonly operations: readonly DocumentedOperation[]
  /** Of all operations. It is made when it is first asked for, which takes as long as a tenth of a start. */
  readonly document: () => ApiDocument
}

const tags = {
  Channels:
    'The upstream accounts: what they are, which keys they have, which of them is tried first, and how they do.',
  Keys: 'What callers present. The key of a tenant’s administrator sees and changes those of its tenant alone.',
  Tenants: 'Teams and customers, to which keys and what they use belong.',
  Logs: 'The calls, what they used and cost, and how that went over time.',
  Prices: 'What models cost. A model without a price is unpriced, which is not free.',
  Settings: 'What holds for all channels, and for all callers.',
  Aliases: 'Names for people.',
  Configuration: 'All of it as one document: channels, prices, settings, aliases and tenants.',
  Audit: 'Every call of an operation that is not open to everybody: who, when, and what it changed.',
  Documentation: 'What this API is.',
}

/** The admin API: a table of operations, and the document that is made of it. */
export function createAdmin(version: string, parts: AdminParts): Admin {
  const operations: readonly DocumentedOperation[] = [
    ...channelOperations(parts),
    ...channelStateOperations(parts),
    ...channelKeyOperations(parts),
    ...channelProbeOperations(parts),
    ...channelMappingOperations(parts),
    channelMetricsOperation(parts),
    ...schedulerOperations(parts),
    ...channelUsageOperations(parts),
    ...keyOperations(parts),
    ...keyStateOperations(parts),
    ...tenantOperations(parts),
    ...usageOperations(parts),
    ...logOperations(parts),
    ...priceOperations(parts),
    ...settingOperations(parts),
    ...rateLimitOperations(parts),
    ...debugLogOperations(parts),
    ...headerOperations(parts),
    healthOperation(parts),
    ...modelAliasOperations(parts),
    ...userAliasOperations(parts),
    ...configOperations(parts),
    ...backupOperations(parts),
    ...auditOperations(parts),
    documentOperation(() => document()),
  ]
  let made: ApiDocument | undefined
  const document = (): ApiDocument => (made ??= openApiOf(operations, tags, version))
  return { operations, document }
}
