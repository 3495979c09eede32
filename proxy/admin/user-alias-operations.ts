import { z } from 'zod'
import { GatewayError } from '../domain/errors.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { done, line, recordOf } from './schemas.ts'

interface UserAlias {
  readonly userId: string
  readonly alias: string
}

export interface UserAliasParts {
  readonly userAliases: {
    listUsers(): Promise<readonly UserAlias[]>
    putUser(alias: UserAlias, expectedRevision?: string): Promise<void>
    removeUser(userId: string, expectedRevision?: string): Promise<boolean>
    importUsers(aliases: readonly UserAlias[], expectedRevision?: string): Promise<number>
  }
}

export const userId = line(255).min(1).describe('A client id, as calls tell it')
export const alias = line(255).min(1)
const described = { tag: 'Aliases', access: 'admin', hasRevision: true } as const
const ofUser = { ...described, path: '/api/aliases/{userId}', params: z.strictObject({ userId }) } as const

/** What client ids are called for people. */
export function userAliasOperations({ userAliases }: UserAliasParts): readonly DocumentedOperation[] {
  const find = async (id: string): Promise<UserAlias | undefined> =>
    (await userAliases.listUsers()).find((user) => user.userId === id)
  return [
    operation(
      {
        ...described,
        id: 'listUserAliases',
        method: 'GET',
        path: '/api/aliases',
        summary: 'The names of users, by their client ids',
        answer: z.record(z.string(), z.string()),
      },
      async () => {
        const users = await userAliases.listUsers()
        return { body: Object.fromEntries(users.map((user) => [user.userId, user.alias])) }
      },
    ),
    operation(
      {
        ...ofUser,
        id: 'setUserAlias',
        method: 'PUT',
        summary: 'Names a user, in place of the name it had',
        body: z.strictObject({ alias }),
        answer: done,
        errors: ['conflict'],
      },
      async ({ params, body, expectedRevision }) => {
        const before = await find(params.userId)
        await userAliases.putUser({ userId: params.userId, alias: body.alias }, expectedRevision)
        return {
          body: { success: true, message: 'Alias set' },
          audit: { target: params.userId, ...(before && { before: { alias: before.alias } }), after: body },
        }
      },
    ),
    operation(
      {
        ...ofUser,
        id: 'deleteUserAlias',
        method: 'DELETE',
        summary: 'Takes the name of a user away',
        answer: done,
        errors: ['not_found'],
      },
      async ({ params, expectedRevision }) => {
        const before = await find(params.userId)
        const wasThere = await userAliases.removeUser(params.userId, expectedRevision)
        if (!wasThere) throw new GatewayError('not_found', { message: 'alias not found' })
        return {
          body: { success: true, message: 'Alias removed' },
          audit: { target: params.userId, ...(before && { before: { alias: before.alias } }) },
        }
      },
    ),
    operation(
      {
        ...described,
        id: 'importUserAliases',
        method: 'POST',
        path: '/api/aliases/import',
        summary: 'Names many users at once, all or none',
        description: 'Users that are not in it keep their names.',
        body: recordOf(userId, alias, 10_000),
        answer: z.strictObject({ message: z.string(), imported: z.int() }),
        errors: ['conflict'],
      },
      async ({ body, expectedRevision }) => {
        const users = Object.entries(body).map(([id, name]) => ({ userId: id, alias: name }))
        const imported = await userAliases.importUsers(users, expectedRevision)
        return {
          body: { message: 'Aliases imported', imported },
          audit: { target: 'user aliases', after: { imported } },
        }
      },
    ),
  ]
}
