import type { KeyRecord } from '../../proxy/domain/key.ts'

/** A key without limits that was never used; a test says what is different about it. */
export function aKey(different: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: '01JGF000000000000000000000',
    name: 'alice',
    prefix: 'tg_AbCdEfG',
    hash: 'a'.repeat(64),
    previousHash: null,
    description: '',
    status: 'active',
    isAdmin: false,
    tenantId: null,
    tenant: null,
    isTenantAdmin: false,
    model: null,
    tokenLimit: null,
    rpm: null,
    expiresAt: null,
    allowedEndpoints: null,
    allowedModels: null,
    allowedChannels: null,
    budget5h: null,
    budgetDay: null,
    budgetMonth: null,
    budgetIsCalendar: false,
    resetAt: null,
    previousUntil: null,
    createdAt: Date.UTC(2030, 0, 1),
    updatedAt: Date.UTC(2030, 0, 1),
    usage: { lifetimeTokens: 0, lastUsedAt: null, minutes: [] },
    ...different,
  }
}
