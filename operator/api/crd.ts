import { z } from 'zod'
import { apiKeySpec, apiKeyStatus } from './api-key.ts'
import { apiKeyStoreBackupSpec, apiKeyStoreBackupStatus } from './api-key-store-backup.ts'
import { apiKeyStoreRestoreSpec, apiKeyStoreRestoreStatus } from './api-key-store-restore.ts'
import { apiKeyStoreSpec } from './api-key-store.ts'
import { apiKeyStoreStatus } from './api-key-store-status.ts'
import { GROUP, VERSION } from './group.ts'

interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date'
  readonly jsonPath: string
  readonly description: string
  /** 1 is shown by `-o wide` alone. */
  readonly priority?: 1
}

interface KindOfOurs {
  readonly kind: string
  readonly plural: string
  readonly shortName: string
  readonly description: string
  readonly spec: z.ZodType
  readonly status: z.ZodType
  readonly columns: readonly Column[]
  readonly hasScale?: boolean
  /** Longer ones would make names of children too long. Left out where Kubernetes' own bound will do. */
  readonly maxNameLength?: number
}

const age: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'How old it is.',
}

function ofCondition(name: string, type: string, field: 'status' | 'reason', description: string): Column {
  return { name, type: 'string', jsonPath: `.status.conditions[?(@.type=="${type}")].${field}`, description }
}

function ofField(name: string, jsonPath: string, description: string, type: Column['type'] = 'string'): Column {
  return { name, type, jsonPath, description }
}

const kinds: readonly KindOfOurs[] = [
  {
    kind: 'ApiKeyStore',
    plural: 'apikeystores',
    shortName: 'akstore',
    description: 'One running gateway: its proxies, its database, its schema.',
    spec: apiKeyStoreSpec,
    status: apiKeyStoreStatus,
    hasScale: true,
    maxNameLength: 40,
    columns: [
      ofCondition('Ready', 'Ready', 'status', 'Whether it serves as the spec says.'),
      ofCondition('Status', 'Ready', 'reason', 'Why, in one word.'),
      ofField('Replicas', '.status.readyReplicas', 'Pods that serve.', 'integer'),
      ofField('Schema', '.status.schema.current', 'The last migration of the database.'),
      ofCondition('Last-Backup', 'LastBackupSucceeded', 'reason', 'How the last backup went.'),
      { ...ofField('Engine', '.spec.database.engine', 'The engine of the database.'), priority: 1 },
      { ...ofField('Image', '.status.effective.image', 'The image that is rolled out.'), priority: 1 },
      age,
    ],
  },
  {
    kind: 'ApiKey',
    plural: 'apikeys',
    shortName: 'akkey',
    description: 'One key of a gateway, managed by applying it.',
    spec: apiKeySpec,
    status: apiKeyStatus,
    columns: [
      ofField('Store', '.spec.storeRef.name', 'The store that it opens.'),
      ofCondition('Ready', 'Ready', 'status', 'Whether the store knows it.'),
      ofField('Prefix', '.status.keyPrefix', 'How the secret begins.'),
      ofField('Expires', '.spec.expireTime', 'When it ends.', 'date'),
      age,
    ],
  },
  {
    kind: 'ApiKeyStoreBackup',
    plural: 'apikeystorebackups',
    shortName: 'aksbackup',
    description: 'One backup of a store.',
    spec: apiKeyStoreBackupSpec,
    status: apiKeyStoreBackupStatus,
    maxNameLength: 52,
    columns: [
      ofField('Store', '.spec.storeRef.name', 'The store.'),
      ofCondition('Succeeded', 'Succeeded', 'status', 'Whether it succeeded.'),
      ofCondition('Verified', 'Verified', 'status', 'Whether it was verified.'),
      ofField('Origin', '.spec.origin', 'Why it was made.'),
      ofField('Size', '.status.sizeBytes', 'The size of the file in bytes.', 'integer'),
      ofField('Schema', '.status.schemaVersion', 'The last migration of the database.'),
      ofField('Completed', '.status.completionTime', 'When it ended.', 'date'),
      age,
    ],
  },
  {
    kind: 'ApiKeyStoreRestore',
    plural: 'apikeystorerestores',
    shortName: 'aksrestore',
    description: 'One restore of a store. It overwrites data.',
    spec: apiKeyStoreRestoreSpec,
    status: apiKeyStoreRestoreStatus,
    maxNameLength: 52,
    columns: [
      ofField('Store', '.spec.storeRef.name', 'The store.'),
      ofField('Source', '.status.resolvedSource.path', 'What is restored.'),
      ofCondition('Succeeded', 'Succeeded', 'status', 'Whether it succeeded.'),
      ofField('Step', '.status.step', 'The step at which it is.'),
      age,
    ],
  },
]

type Json = Readonly<Record<string, unknown>>

/** The CustomResourceDefinition of each kind, by its file's name. */
export function customResourceDefinitions(): ReadonlyMap<string, Json> {
  return new Map(kinds.map((kind) => [`${kind.plural}.${GROUP}.yaml`, definitionOf(kind)]))
}

function definitionOf({ kind, plural, shortName, columns, hasScale = false, ...described }: KindOfOurs): Json {
  const names = { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: [shortName] }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { ...names, categories: ['tollgate'] },
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: schemaOf(described) },
          subresources: { status: {}, ...(hasScale && { scale }) },
        },
      ],
    },
  }
}

const scale = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.status.selector',
}

function schemaOf({
  description,
  spec,
  status,
  maxNameLength,
}: Pick<KindOfOurs, 'description' | 'spec' | 'status' | 'maxNameLength'>): Json {
  return {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: 'The version of the schema of this object.' },
      kind: { type: 'string', description: 'The kind of this object.' },
      metadata: { type: 'object' },
      spec: structural(z.toJSONSchema(spec, { target: 'openapi-3.0', io: 'input' })),
      status: structural(z.toJSONSchema(status, { target: 'openapi-3.0', io: 'input' })),
    },
    ...(maxNameLength !== undefined && { 'x-kubernetes-validations': [nameRule(maxNameLength)] }),
  }
}

function nameRule(maxLength: number): Json {
  return {
    rule: `size(self.metadata.name) <= ${maxLength}`,
    message: `the name can have at most ${maxLength} characters: names of other objects are made of it`,
  }
}

/** The schema without what a structural one may not say (kubernetes.io: "Specifying a structural schema"). */
function structural(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(structural)
  if (typeof schema !== 'object' || schema === null) return schema
  const of = schema as Json // safe: objects of JSON
  const isFree = of['x-kubernetes-preserve-unknown-fields'] === true
  const isIntOrString = of['x-kubernetes-int-or-string'] === true
  const isTime = of['format'] === 'date-time'
  return Object.fromEntries(
    Object.entries(of)
      .filter(
        ([name, value]) =>
          !(isFree && name === 'additionalProperties') &&
          !(isIntOrString && name === 'anyOf') &&
          !(isTime && name === 'pattern') && // long, and the format says the same
          !isBoundOfNumbers(name, value),
      )
      .map(([name, value]) => [name, structural(value)]),
  )
}

/** What every number of JavaScript satisfies is no rule of ours. */
function isBoundOfNumbers(name: string, value: unknown): boolean {
  return (name === 'minimum' || name === 'maximum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER
}
