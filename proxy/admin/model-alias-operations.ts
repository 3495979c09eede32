import { z } from 'zod'
import type { Pool } from '../domain/channel.ts'
import { defaultModelAliases } from '../domain/default-aliases.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { done, line } from './schemas.ts'

interface ModelAlias {
  readonly value: string
  readonly description: string
}

type PoolAlias = ModelAlias & { readonly pool: Pool }

export interface ModelAliasParts {
  readonly modelAliases: {
    listModels(): Promise<readonly PoolAlias[]>
    replaceModels(
      lists: Readonly<Partial<Record<Pool, readonly ModelAlias[]>>>,
      expectedRevision?: string,
    ): Promise<void>
  }
}

const shownAlias = z.strictObject({ value: z.string(), description: z.string() })
const aliases = z
  .array(z.strictObject({ value: line(255).min(1), description: line(1000).default('') }))
  .max(1000)
  .refine((list) => new Set(list.map(({ value }) => value)).size === list.length, 'Name each model once.')

/** System C's names of the lists, by pool. */
const lists = { messages: 'messagesModels', responses: 'responsesModels', chat: 'chatModels' } as const
type Lists = Readonly<Record<(typeof lists)[keyof typeof lists], readonly ModelAlias[]>>
export const modelAliasLists = z.strictObject({
  messagesModels: aliases,
  responsesModels: aliases,
  chatModels: aliases,
})
const listed = Object.keys(lists) as (keyof typeof lists)[] // safe: its keys

const described = { tag: 'Aliases', access: 'admin', hasRevision: true } as const

/** Names of models that a dashboard offers; they change nothing about a call. */
export function modelAliasOperations({ modelAliases }: ModelAliasParts): readonly DocumentedOperation[] {
  const read = async (): Promise<Lists> => shownModelAliases(await modelAliases.listModels())
  const write = async (after: Partial<Lists>, expectedRevision: string | undefined) => {
    const before = await read()
    const named = listed.flatMap((pool) => {
      const list = after[lists[pool]]
      return list === undefined ? [] : [[pool, list] as const]
    })
    await modelAliases.replaceModels(Object.fromEntries(named), expectedRevision)
    return { target: 'model aliases', before, after }
  }
  return [
    operation(
      {
        ...described,
        id: 'listModelAliases',
        method: 'GET',
        path: '/api/model-aliases',
        summary: 'The names of models that a dashboard offers',
        answer: z.strictObject({
          messagesModels: z.array(shownAlias),
          responsesModels: z.array(shownAlias),
          chatModels: z.array(shownAlias),
        }),
      },
      async () => ({ body: await read() }),
    ),
    operation(
      {
        ...described,
        id: 'replaceModelAliases',
        method: 'PUT',
        path: '/api/model-aliases',
        summary: 'Replaces the lists that are named',
        body: modelAliasLists.partial(),
        answer: done,
      },
      async ({ body, expectedRevision }) => {
        const audit = await write(body as Partial<Lists>, expectedRevision) // safe: what JSON leaves out is not there
        return { body: { success: true, message: 'Model aliases replaced' }, audit }
      },
    ),
    operation(
      {
        ...described,
        id: 'resetModelAliases',
        method: 'POST',
        path: '/api/model-aliases/reset',
        summary: 'Goes back to the names that come with this version',
        answer: done,
      },
      async ({ expectedRevision }) => {
        const of = (pool: keyof typeof lists): readonly ModelAlias[] =>
          defaultModelAliases[pool].map((value) => ({ value, description: '' }))
        const after = { messagesModels: of('messages'), responsesModels: of('responses'), chatModels: of('chat') }
        const audit = await write(after, expectedRevision)
        return { body: { success: true, message: 'Model aliases reset' }, audit }
      },
    ),
  ]
}

/** Aliases by the names of their lists. */
export function shownModelAliases(all: readonly PoolAlias[]): Lists {
  const of = (pool: Pool): readonly ModelAlias[] =>
    all.flatMap((alias) => (alias.pool === pool ? [{ value: alias.value, description: alias.description }] : []))
  return { messagesModels: of('messages'), responsesModels: of('responses'), chatModels: of('chat') }
}

/** The other direction. */
export function modelAliasesOf(said: Lists): readonly PoolAlias[] {
  return listed.flatMap((pool) => said[lists[pool]].map((alias) => ({ pool, ...alias })))
}
