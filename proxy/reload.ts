import type { Assembly } from './assemble.ts'
import type { Snapshots } from './snapshots.ts'

/** Reads everything that is configured anew. */
export async function reload(
  rooms: Pick<Assembly, 'authenticator' | 'configured' | 'rateLimits' | 'recorder'>,
  snapshots?: Pick<Snapshots, 'outdate' | 'write'>,
): Promise<void> {
  const { authenticator, configured, rateLimits, recorder } = rooms
  // A key that was revoked must not come back by a start from the snapshot.
  const keys = authenticator.reload().then(() => snapshots?.outdate())
  await Promise.all([keys, configured.reload(), rateLimits.reload(), recorder.reload()])
  await snapshots?.write()
}
