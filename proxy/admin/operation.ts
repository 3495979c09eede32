import { z } from 'zod'
import type { ErrorCode } from '../domain/errors.ts'
import type { Change, Operation, OperationAnswer, OperationCall } from '../domain/operation.ts'
import { problemsIn, readable, requestInvalid } from './problems.ts'
import { refusalOf } from './refusal.ts'

/** What an operation may read, it may not change. */
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

type AnswerOf<R> = R extends z.ZodType
  ? { readonly body: Frozen<z.output<R>>; readonly audit?: Change }
  : { readonly audit?: Change }

type HandledCall<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = Omit<
  OperationCall,
  'params' | 'query' | 'body'
> & {
  readonly params: z.output<P>
  readonly query: z.output<Q>
  readonly body: z.output<B>
}

const nothing = z.strictObject({})

interface OperationSpec<
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  R extends z.ZodType | null,
> extends Pick<Operation, 'id' | 'method' | 'path' | 'access'> {
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly hasRevision?: boolean
  readonly takesDocument?: boolean
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** A body that would be taken. */
  readonly example?: z.input<B>
  /** The body of the answer; null is none, with 204. */
  readonly answer: R
  /** 200 if it is left out. */
  readonly status?: 201
  /** What it refuses besides what every operation refuses. */
  readonly errors?: readonly ErrorCode[]
}

/** An operation, and what its document says. */
export interface DocumentedOperation extends Operation {
  readonly tag: string
  readonly summary: string
  readonly description: string | undefined
  readonly params: z.ZodType
  readonly query: z.ZodType
  readonly body: z.ZodType | undefined
  readonly example: unknown
  readonly status: number
  readonly answer: z.ZodType | null
  readonly errors: readonly ErrorCode[]
}

/** An operation of its description. What its handler is given has passed the schemas, and what they do not know is refused. */
export function operation<
  R extends z.ZodType | null,
  P extends z.ZodType = typeof nothing,
  Q extends z.ZodType = typeof nothing,
  B extends z.ZodType = typeof nothing,
>(spec: OperationSpec<P, Q, B, R>, handle: (call: HandledCall<P, Q, B>) => Promise<AnswerOf<R>>): DocumentedOperation {
  const { params, query, body, errors = [], hasRevision = false, takesDocument = false, ...described } = spec
  const status = spec.status ?? (spec.answer === null ? 204 : 200)
  return {
    ...described,
    description: spec.description,
    hasRevision,
    takesDocument,
    isWrite: spec.method !== 'GET',
    params: params ?? nothing,
    query: query ?? nothing,
    body,
    example: spec.example,
    errors,
    status,
    async perform(call): Promise<OperationAnswer> {
      const checked = {
        ...call,
        params: parsed<P>(params, call.params),
        query: parsed<Q>(query, call.query),
        body: parsed<B>(body, call.body ?? {}),
      }
      const answer = await handle(checked).catch((thrown: unknown) => Promise.reject(refusalOf(thrown)))
      return { status, ...answer }
    },
  }
}

function parsed<S extends z.ZodType>(schema: S | undefined, value: unknown): z.output<S> {
  const { success, data, error } = (schema ?? nothing).safeParse(value, readable)
  if (!success) throw requestInvalid(problemsIn(error))
  return data as z.output<S> // safe: where there is no schema, S is that of nothing
}
