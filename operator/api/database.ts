import { z } from 'zod'
import { quantity, reference, secretKeyReference, text, whole } from './parts.ts'
import { ruled } from './rule.ts'

const keyNames = z
  .object({
    uri: text(253, 'Key of the whole URL. Default: uri, and url where there is none.').optional(),
    host: text(253, 'Key of the host. Default: host.').optional(),
    port: text(253, 'Key of the port. Default: port, and 5432 where there is none.').optional(),
    user: text(253, 'Key of the user. Default: user, and username where there is none.').optional(),
    password: text(253, 'Key of the password. Default: password.').optional(),
    dbname: text(253, 'Key of the database. Default: dbname.').optional(),
  })
  .meta({ description: 'Which keys of the Secrets hold what. The URL counts before its parts.' })

const postgres = z
  .object({
    connectionSecretRef: reference('The Secret with the connection of the proxies.'),
    migrationSecretRef: reference(
      'A Secret with a connection that may change the schema, for Jobs alone. Default: that of the proxies.',
    ).optional(),
    keys: keyNames.optional(),
    sslMode: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).optional().meta({
      description: 'TLS to the server. Default: verify-full with a CA, else what the URL says, else disable.',
    }),
    caSecretRef: secretKeyReference('The certificates of the authorities to trust (PEM).', 'ca.crt').optional(),
    poolMax: whole(1, 1000, 'Connections of one proxy, besides the one that listens. Default: 10.').optional(),
    statementTimeoutSeconds: whole(1, 3600, 'For one statement. Default: 10.').optional(),
  })
  .meta({ description: 'A PostgreSQL server that is there already.' })

const claim = z
  .object({
    size: quantity('How large the claim is. It may grow, and never shrink.'),
    storageClassName: text(253, 'The storage class. Default: that of the cluster.').optional(),
  })
  .meta({ description: 'A claim that is made for the store.' })

const sqlite = ruled(
  z
    .object({
      storage: claim.optional(),
      existingClaimRef: reference('A claim that is there already.').optional(),
      reclaimPolicy: z.enum(['Retain', 'Delete']).optional().meta({
        description: 'What becomes of a claim that was made for the store when the store is deleted. Default: Retain.',
      }),
    })
    .meta({ description: 'A file on a volume, for one replica.' }),
  [
    {
      cel: 'has(self.storage) != has(self.existingClaimRef)',
      message: 'exactly one of storage and existingClaimRef is needed',
      holds: ({ storage, existingClaimRef }) => (storage === undefined) !== (existingClaimRef === undefined),
    },
    {
      cel: '!has(self.storage) || !has(oldSelf.storage) || quantity(string(self.storage.size)).compareTo(quantity(string(oldSelf.storage.size))) >= 0',
      message: 'storage.size may grow, and never shrink',
    },
  ],
)

export const database = ruled(
  z
    .object({
      engine: z
        .enum(['postgres', 'sqlite'])
        .meta({ description: 'postgres for any number of replicas, sqlite for one. It cannot be changed.' }),
      postgres: postgres.optional(),
      sqlite: sqlite.optional(),
    })
    .meta({ description: 'Where keys, limits, configuration and the ledger are.' }),
  [
    { cel: 'self.engine == oldSelf.engine', message: 'engine cannot be changed; copy the data into a new store' },
    {
      cel: "(self.engine == 'postgres') == has(self.postgres)",
      message: 'postgres is needed with engine postgres, and out of place with another',
      holds: ({ engine, postgres: given }) => (engine === 'postgres') === (given !== undefined),
    },
    {
      cel: "(self.engine == 'sqlite') == has(self.sqlite)",
      message: 'sqlite is needed with engine sqlite, and out of place with another',
      holds: ({ engine, sqlite: given }) => (engine === 'sqlite') === (given !== undefined),
    },
  ],
)
