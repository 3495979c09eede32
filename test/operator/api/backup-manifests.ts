import type { Json, Trial } from './trial.ts'

const longNames = {
  message: 'the name can have at most 52 characters: names of other objects are made of it',
  accepted: { metadata: { name: 'a'.repeat(52) } },
  refused: { metadata: { name: 'a'.repeat(53) } },
}

const backup = { kind: 'ApiKeyStoreBackup', base: { storeRef: { name: 'gateway' } } }

const restore = {
  kind: 'ApiKeyStoreRestore',
  base: { storeRef: { name: 'gateway' }, acknowledgement: 'gateway', source: { backupRef: { name: 'nightly' } } },
}

function ofRestore(message: string, accepted: Json, refused: Json): Trial {
  return { ...restore, message, accepted: { spec: accepted }, refused: { spec: refused } }
}

export const backupTrials: readonly Trial[] = [
  {
    ...backup,
    message: 'a backup cannot be changed; make another one',
    before: {},
    accepted: { metadata: { labels: { 'tollgate.dev/pin': 'audit' } } },
    refused: { spec: { ttlSeconds: 86_400 } },
  },
  { ...backup, ...longNames },
  { ...ofRestore('spec.targets', {}, {}), ...backup, refused: { spec: { targets: ['S3'] } } },
  {
    ...restore,
    message: 'a restore cannot be changed; make another one',
    before: {},
    accepted: { metadata: { labels: { ticket: '4711' } } },
    refused: { spec: { dryRun: true } },
  },
  ofRestore(
    'exactly one of backupRef, latest and location is needed',
    { source: { backupRef: null, latest: {} } },
    { source: { latest: {} } },
  ),
  ofRestore(
    'acknowledgement has to be the name of the store, whose data will be overwritten',
    {},
    { acknowledgement: 'another' },
  ),
  { ...restore, ...longNames },
]
