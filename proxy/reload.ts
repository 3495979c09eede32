import type { Assembly } from './assemble.ts'
import type { Snapshots } from './snapshots.ts'

type Rooms = Pick<Assembly, 'authenticator' | 'configured' | 'recorder'>

/** Reads everything that is configured anew. */
export async function reload({ authenticator, configured, recorder }: Rooms): Promise<void> {
  await Promise.all([authenticator.reload(), configured.reload(), recorder.reload()])
}

/** Reads anew what may have changed: of thousands of keys only if one has. */
export async function refresh(rooms: Rooms, snapshots: Pick<Snapshots, 'outdate' | 'write'>): Promise<void> {
  const { authenticator, configured, recorder } = rooms
  // A key that was revoked must not come back by a start from the snapshot.
  const keys = authenticator.refresh().then(() => snapshots.outdate())
  await Promise.all([keys, configured.reload(), recorder.reload()])
  await snapshots.write()
}
