import { type Channel, PLAIN_CHANNEL, type Pool, type ServiceType } from '../domain/channel.ts'

export interface EnvironmentAccounts {
  readonly ANTHROPIC_API_KEY?: string | undefined
  readonly ANTHROPIC_BASE_URL: string
  readonly OPENAI_API_KEY?: string | undefined
  readonly OPENAI_BASE_URL: string
  readonly ZAI_API_KEY?: string | undefined
  readonly ZAI_API_BASE: string
  readonly ZAI_ANTHROPIC_BASE: string
}

interface Place {
  readonly pool: Pool
  readonly serviceType: ServiceType
  readonly baseUrl: string
}

const GLM = 'glm-*'
/** Behind every channel that an administrator has made; and Z.ai last, for calls that name no model. */
const PRIORITY = 1000

/**
 * The channels that the environment describes: for each account one in every pool that it can serve. Where there is
 * another one, Z.ai's serves its own models and the other one all but those.
 */
export function environmentChannels(accounts: EnvironmentAccounts): readonly Channel[] {
  const { ANTHROPIC_API_KEY: anthropic, OPENAI_API_KEY: openai, ZAI_API_KEY: zai } = accounts
  const own = (pool: Pool): boolean => (pool === 'messages' ? anthropic : openai) !== undefined
  const others = zai === undefined ? [] : [`!${GLM}`]
  const openaiPlaces = (['chat', 'responses'] as const).map((pool): Place => {
    const serviceType = pool === 'chat' ? 'openai_chat' : 'responses'
    return { pool, serviceType, baseUrl: accounts.OPENAI_BASE_URL }
  })
  const zaiPlaces: readonly Place[] = [
    { pool: 'messages', serviceType: 'claude', baseUrl: accounts.ZAI_ANTHROPIC_BASE },
    { pool: 'chat', serviceType: 'openai_chat', baseUrl: accounts.ZAI_API_BASE },
    { pool: 'responses', serviceType: 'openai_chat', baseUrl: accounts.ZAI_API_BASE },
  ]
  const anthropicPlace: Place = { pool: 'messages', serviceType: 'claude', baseUrl: accounts.ANTHROPIC_BASE_URL }
  return [
    ...channelsOf('zai', zai, zaiPlaces, PRIORITY + 1, (pool) => (own(pool) ? [GLM] : [])),
    ...channelsOf('anthropic', anthropic, [anthropicPlace], PRIORITY, () => others),
    ...channelsOf('openai', openai, openaiPlaces, PRIORITY, () => others),
  ]
}

function channelsOf(
  name: string,
  secret: string | undefined,
  places: readonly Place[],
  priority: number,
  modelsIn: (pool: Pool) => readonly string[],
): readonly Channel[] {
  if (secret === undefined) return []
  return places.map(({ pool, serviceType, baseUrl }) => {
    const id = `env-${name}-${pool}`
    return {
      ...PLAIN_CHANNEL,
      id,
      pool,
      name,
      serviceType,
      baseUrl: baseUrl.replace(/\/+$/, ''),
      priority,
      models: modelsIn(pool),
      keys: [{ id, secret }],
    }
  })
}
