import { ApiError } from '../client/api-error.ts'
import type { Client } from '../client/client.ts'
import { kindOf } from '../client/kinds.ts'
import type { KubernetesObject } from '../api/object.ts'
import { identityOf } from '../plan/children.ts'
import type { Plan } from '../plan/plan.ts'

/** What the API server refused of a plan. */
export interface Refusal {
  /** `Deployment gate`. */
  readonly object: string
  readonly error: ApiError
}

type Writer = Pick<Client, 'apply' | 'create' | 'remove'>

/**
 * Applies and makes what is planned. One object that is refused keeps none of the others from being applied, but for
 * what is to be applied to that object after it. What is no refusal is thrown: it may go better the next time.
 */
export async function applyPlan(client: Writer, { create, apply }: Plan): Promise<readonly Refusal[]> {
  const refused = new Map<string, ApiError>()
  const attempt = async (object: KubernetesObject, write: () => Promise<unknown>): Promise<void> => {
    const name = identityOf(object)
    if (refused.has(name)) return
    try {
      await write()
    } catch (error) {
      if (!isRefusal(error)) throw error
      refused.set(name, error)
    }
  }
  for (const { object, manager } of apply) await attempt(object, () => client.apply(object, manager))
  for (const object of create) await attempt(object, () => createOnce(client, object)) // a Job needs its service account
  return [...refused].map(([object, error]) => ({ object, error }))
}

/** That it is there already is what a pass finds whose predecessor died before it could write the status. */
async function createOnce(client: Writer, object: KubernetesObject): Promise<void> {
  try {
    await client.create(object)
  } catch (error) {
    if (!(error instanceof ApiError && error.isAlreadyExists)) throw error
  }
}

/** Whether the API server understood and said no. */
function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && [400, 403, 422].includes(error.status)
}

/** Only these very objects: one of the same name that was made since is somebody's who knows why. */
export async function removeSpent(client: Writer, { remove }: Plan): Promise<void> {
  for (const object of remove) {
    const { name, namespace, uid } = object.metadata
    await client.remove(
      kindOf(object),
      { name, ...(namespace !== undefined && { namespace }) },
      uid === undefined ? {} : { uid },
    )
  }
}
