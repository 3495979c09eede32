import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import type { ApiDocument, ApiOperation, ApiParameter } from '../domain/api-document.ts'
import { type ErrorCode, errorCatalogue } from '../domain/errors.ts'
import type { DocumentedOperation } from './operation.ts'

type Json = Readonly<Record<string, unknown>>

/** Groups of operations, in the order of the page, and what they are about. */
export type Tags = Readonly<Record<string, string>>

const refusedCallers = [
  'key_missing',
  'key_blank',
  'key_invalid',
  'key_revoked',
  'key_expired',
  'key_disabled',
  'tenant_disabled',
  'address_blocked',
  'admin_required',
  'storage_unavailable',
  'needs_database',
] as const
const refusedBodies = ['json_invalid', 'content_type_unsupported', 'body_too_large'] as const

/** The document of a table of operations, from the schemas that the operations check with. */
export function openApiOf(operations: readonly DocumentedOperation[], tags: Tags, version: string): ApiDocument {
  const paths: Record<string, Record<string, ApiOperation>> = {}
  for (const operation of operations)
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = documented(operation)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tollgate',
      version,
      description:
        'The admin API of Tollgate. Unknown fields are refused. Instants are ISO 8601 in UTC, durations are seconds, and secrets that were written are never shown again.',
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { Error: errorSchema() },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A key of an administrator, or ADMIN_API_KEY.' },
        header: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same in a header of its own.' },
      },
    },
  }
}

function documented(operation: DocumentedOperation): ApiOperation {
  const { id, tag, summary, description, access, body, example } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: access === 'public' ? [] : [{ bearer: [] }, { header: [] }],
    parameters: [
      ...parametersOf(operation.params, 'path'),
      ...parametersOf(operation.query, 'query'),
      ...(operation.hasRevision && operation.isWrite ? [ifMatch] : []),
    ],
    ...(body && { requestBody: requestOf(body, example) }),
    responses: { ...answerOf(operation), ...refusalsOf(operation) },
  }
}

function requestOf(body: z.ZodType, example: unknown): NonNullable<ApiOperation['requestBody']> {
  const content = { schema: schemaOf(body, 'input'), ...(example !== undefined && { example }) }
  return { required: !body.safeParse({}).success, content: { 'application/json': content } }
}

const ifMatch: ApiParameter = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of the read that the change goes by; 409 if there was another change since.',
  schema: { type: 'string' },
}

function parametersOf(schema: z.ZodType, place: 'path' | 'query'): readonly ApiParameter[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, settings('input'))
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...bare } = typeof property === 'boolean' ? {} : property
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description !== undefined && { description }),
      schema: bare,
    }
  })
}

function answerOf({ status, answer, hasRevision, isWrite }: DocumentedOperation): ApiOperation['responses'] {
  const etag = { ETag: { description: 'The revision of the configuration.', schema: { type: 'string' } } }
  return {
    [status]: {
      description: STATUS_CODES[status] ?? '',
      ...(hasRevision && !isWrite && { headers: etag }),
      ...(answer && { content: { 'application/json': { schema: schemaOf(answer, 'output') } } }),
    },
  }
}

function refusalsOf({ access, path, isWrite, hasRevision, errors }: DocumentedOperation): ApiOperation['responses'] {
  const codes: ErrorCode[] = [
    'request_invalid',
    'internal',
    'rate_limited',
    ...(path.includes('{') ? (['path_invalid'] as const) : []),
    ...(access === 'public' ? [] : refusedCallers),
    ...(isWrite ? refusedBodies : []),
    ...(isWrite && hasRevision ? (['revision_conflict'] as const) : []),
    ...errors,
  ]
  const byStatus = Map.groupBy(new Set(codes), (code) => errorCatalogue[code][0])
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      { description: named.map((code) => `\`${code}\`: ${errorCatalogue[code][1]}`).join('\n\n'), content },
    ]),
  )
}

function errorSchema(): Json {
  const { description, schema } = {
    description: 'Every error of the gateway; `code` is a promise to programs, and `message` is for people.',
    schema: z.object({
      error: z
        .union([z.string(), z.looseObject({ message: z.string(), type: z.string(), code: z.string() })])
        .describe('For programs that were written for another API.'),
      code: z.enum(Object.keys(errorCatalogue)),
      message: z.string(),
      request_id: z.string().describe('The log of the gateway has the details under it.'),
      details: z
        .array(z.object({ field: z.string(), message: z.string() }))
        .optional()
        .describe('What is wrong with each field, in a request_invalid.'),
    }),
  }
  return { description, ...schemaOf(schema, 'output') }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, settings(io))
  return rest
}

function settings(io: 'input' | 'output'): z.core.ToJSONSchemaParams {
  return {
    io,
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern // the name of the format says it to people
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  }
}
