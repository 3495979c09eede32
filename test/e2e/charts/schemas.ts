import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterAccess } from '../../cluster/cluster-access.ts'

type Json = Readonly<Record<string, unknown>>

interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, Json>> }
}

interface KindName {
  readonly group: string
  readonly version: string
  readonly kind: string
}

const KIND = 'x-kubernetes-group-version-kind'

/**
 * What the API server says of the kinds of these versions (such as `apps/v1`), as the files that kubeconform reads: its
 * own come from the network, and know none of our kinds. Answers where they are, for its `-schema-location`.
 */
export async function writeSchemas(
  cluster: ClusterAccess,
  folder: string,
  versions: readonly string[],
): Promise<string> {
  for (const apiVersion of new Set(versions)) {
    const path = apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`
    const { components } = JSON.parse(await cluster.kubectl('get', '--raw', `/openapi/v3/${path}`)) as OpenApi // safe: its form
    const closed = closedSchema(components)
    for (const [name, schema] of Object.entries(components.schemas)) {
      const kinds = (schema[KIND] ?? []) as readonly KindName[] // safe: Kubernetes' extension
      const [first] = kinds
      if (kinds.length !== 1 || first === undefined) continue // options of calls, which are of every group
      const group = first.group.split('.')[0]
      const file = [first.kind, ...(group ? [group] : []), first.version].join('-').toLowerCase()
      const document = { $ref: `#/components/schemas/${name}`, components: closed }
      await writeFile(join(folder, `${file}.json`), JSON.stringify(document))
    }
  }
  return join(folder, '{{ .ResourceKind }}{{ .KindSuffix }}.json')
}

/** Without the fields that nobody has heard of, as `--validate=strict` of kubectl. */
function closedSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closedSchema)
  if (typeof schema !== 'object' || schema === null) return schema
  const of = schema as Json // safe: objects of JSON
  const isOpen =
    !('properties' in of) || 'additionalProperties' in of || of['x-kubernetes-preserve-unknown-fields'] === true
  const isSchema = of['type'] === 'object'
  return {
    ...Object.fromEntries(Object.entries(of).map(([name, value]) => [name, closedSchema(value)])),
    ...(isSchema && !isOpen && { additionalProperties: false }),
  }
}
