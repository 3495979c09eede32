import type { Assembly } from './assemble.ts'

/** Reads everything that is configured anew; `afterKeys` follows the keys. */
export async function reload(
  rooms: Pick<Assembly, 'authenticator' | 'prices' | 'channels' | 'rateLimits' | 'recorder'>,
  afterKeys: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { authenticator, prices, channels, rateLimits, recorder } = rooms
  const keys = authenticator.reload().then(afterKeys)
  await Promise.all([keys, prices?.reload(), channels.reload(), rateLimits.reload(), recorder.reload()])
}
