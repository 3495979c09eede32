import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import type { Recording, RecordingStore } from '../domain/recording.ts'
import { logId } from './log-read-operations.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { instant, iso } from './schemas.ts'

export interface RecordingParts {
  readonly recordings: Pick<RecordingStore, 'find' | 'sums' | 'removeAll' | 'removeHeaders'>
}

const described = { tag: 'Logs', access: 'admin' } as const
const headers = z.record(z.string(), z.string()).nullable().describe('Secrets are masked; null where they were removed')
const body = z.string().nullable().describe('Null where it was removed')
const isCut = z.boolean().describe('Whether the body is only the beginning of it')

/** Requests and answers, where they were kept. Prompts are nobody's but the administrator's who asked for them. */
export function recordingOperations(parts: RecordingParts): readonly DocumentedOperation[] {
  return [reading(parts), counting(parts), ...removing(parts)]
}

function reading({ recordings }: RecordingParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getLogDebug',
      method: 'GET',
      path: '/api/logs/{id}/debug',
      summary: 'The request of a call as it came, and its answer as the caller got it',
      params: z.strictObject({ id: logId }),
      answer: z.strictObject({
        id: z.string(),
        requestMethod: z.string(),
        requestPath: z.string(),
        requestHeaders: headers,
        requestBody: body,
        requestBodySize: z.int().describe('Of the whole, in bytes'),
        isRequestCut: isCut,
        responseStatus: z.int().nullable().describe('Null where the caller left before there was one'),
        responseHeaders: headers,
        responseBody: body,
        responseBodySize: z.int().describe('Of the whole, in bytes'),
        isResponseCut: isCut,
        createdAt: instant,
      }),
      errors: ['not_found'],
    },
    async ({ params: { id } }) => {
      const recording = await recordings.find(id)
      if (recording === undefined) throw new GatewayError('not_found')
      const { createdAt, request, response } = recording
      const sent = shown(request)
      const answered = shown(response)
      return {
        body: {
          id,
          requestMethod: request.method,
          requestPath: request.path,
          requestHeaders: request.headers,
          requestBody: sent.text,
          requestBodySize: request.bodyBytes,
          isRequestCut: sent.isCut,
          responseStatus: response.status,
          responseHeaders: response.headers,
          responseBody: answered.text,
          responseBodySize: response.bodyBytes,
          isResponseCut: answered.isCut,
          createdAt: iso(createdAt),
        },
      }
    },
  )
}

function counting({ recordings }: RecordingParts): DocumentedOperation {
  return operation(
    {
      ...described,
      id: 'getDebugStats',
      method: 'GET',
      path: '/api/logs/debug/stats',
      summary: 'How many requests and answers are kept',
      answer: z.strictObject({
        count: z.int(),
        withBodies: z.int().describe('Of the others only headers are left'),
        bytes: z.int().describe('Of the bodies, as they are stored'),
        oldest: instant.nullable(),
      }),
    },
    async () => {
      const { oldest, ...sums } = await recordings.sums()
      return { body: { ...sums, oldest: iso(oldest) } }
    },
  )
}

function removing({ recordings }: RecordingParts): readonly DocumentedOperation[] {
  return [
    operation(
      {
        ...described,
        id: 'removeDebug',
        method: 'DELETE',
        path: '/api/logs/debug',
        summary: 'Removes all requests and answers; the entries of the calls stay',
        answer: z.strictObject({ message: z.string(), deleted: z.int() }),
      },
      async () => {
        const deleted = await recordings.removeAll()
        const message = `Deleted ${deleted} requests and answers`
        return { body: { message, deleted }, audit: { target: 'debug', after: { deleted } } }
      },
    ),
    operation(
      {
        ...described,
        id: 'removeDebugHeaders',
        method: 'DELETE',
        path: '/api/logs/debug/headers',
        summary: 'Removes all headers, and altogether those requests and answers whose bodies were removed before',
        answer: z.strictObject({ message: z.string(), headersCleared: z.int(), deleted: z.int() }),
      },
      async () => {
        const { cleared: headersCleared, removed: deleted } = await recordings.removeHeaders()
        const message = `Cleared the headers of ${headersCleared} and deleted ${deleted} requests and answers`
        return {
          body: { message, headersCleared, deleted },
          audit: { target: 'debug headers', after: { headersCleared, deleted } },
        }
      },
    ),
  ]
}

/** As text, whatever it is: of what is none, the bytes that make no character are told as such. */
function shown({ body: bytes, bodyBytes }: Recording['request' | 'response']) {
  return { text: bytes && bytes.toString('utf8'), isCut: bytes !== null && bytes.length < bodyBytes }
}
