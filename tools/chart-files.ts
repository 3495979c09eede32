import { customResourceDefinitions } from '../operator/api/crd.ts'

type Json = Readonly<Record<string, unknown>>

/** The schema of the values of charts/tollgate-store, which are the fields of the spec and few more: by its path. */
export function chartFiles(): ReadonlyMap<string, string> {
  const texts = { type: 'object', additionalProperties: { type: 'string' } }
  const spec = valueSchema(specSchema()) as Json // safe: of an object
  const properties = spec['properties'] as Json // safe: the fields of the spec
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...spec,
    description: 'Written by `npm run generate` from operator/api.',
    required: ['database'],
    properties: {
      global: { type: 'object', description: 'What Helm hands to every chart within another one.' },
      nameOverride: {
        type: 'string',
        maxLength: 40,
        description: 'The name of the store. Default: that of the release.',
      },
      labels: { ...texts, description: 'Labels of the store.' },
      annotations: { ...texts, description: 'Annotations of the store.' },
      ...properties,
      image: {
        type: 'string',
        pattern: String.raw`^\S*$`,
        description: 'The image. Default: tollgate, of the chart’s appVersion.',
      },
    },
  }
  return new Map([['charts/tollgate-store/values.schema.json', `${JSON.stringify(schema, undefined, 2)}\n`]])
}

function specSchema(): Json {
  // safe: documents of our own
  const { spec } = customResourceDefinitions().get('apikeystores.tollgate.dev.yaml') as {
    readonly spec: {
      readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: { properties: { spec: Json } } } }]
    }
  }
  return spec.versions[0].schema.openAPIV3Schema.properties.spec
}

/** A structural schema as one that Helm goes by: unknown fields are refused, and rules are left to the API server. */
function valueSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(valueSchema)
  if (typeof schema !== 'object' || schema === null) return schema
  const of = schema as Json // safe: objects of JSON
  const isIntOrString = of['x-kubernetes-int-or-string'] === true
  const isClosed = 'properties' in of && of['x-kubernetes-preserve-unknown-fields'] !== true
  return {
    ...(isIntOrString && { type: ['integer', 'string'] }),
    ...Object.fromEntries(
      Object.entries(of)
        .filter(([name]) => !name.startsWith('x-kubernetes-'))
        .map(([name, value]) => [name, name === 'properties' ? mapped(value as Json) : valueSchema(value)]), // safe: fields
    ),
    ...(isClosed && { additionalProperties: false }),
  }
}

/** Fields may be called as words of a schema are. */
function mapped(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, valueSchema(value)]))
}
