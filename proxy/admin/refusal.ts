import {
  AliasTaken,
  ChannelNameTaken,
  IncompleteOrder,
  NoSuchChannel,
  RevisionConflict,
} from '../domain/config-refusal.ts'
import { GatewayError } from '../domain/errors.ts'
import {
  InvalidKey,
  NameTaken,
  NoLivingKey,
  NoSuchTenant,
  TenantInUse,
  TenantNameTaken,
} from '../domain/key-refusal.ts'
import { requestInvalid } from './problems.ts'

/** What a store would not do, as the caller is told; everything else as it was thrown. */
export function refusalOf(thrown: unknown): unknown {
  if (thrown instanceof RevisionConflict) return new GatewayError('revision_conflict', { cause: thrown })
  if (thrown instanceof NoSuchChannel || thrown instanceof NoSuchTenant)
    return new GatewayError('not_found', { cause: thrown })
  if (thrown instanceof IncompleteOrder) {
    return requestInvalid([{ field: 'order', message: 'Name each channel of the pool once.' }])
  }
  if (thrown instanceof InvalidKey) return requestInvalid([{ field: 'isTenantAdmin', message: thrown.message }])
  if (thrown instanceof NoLivingKey) {
    // It was there when the operation looked, and no key is ever removed. The status is system C's.
    return new GatewayError('request_invalid', { message: 'This key was revoked, and that is final.', cause: thrown })
  }
  if (thrown instanceof NameTaken) return taken('Another key that is not revoked has this name.', thrown)
  if (thrown instanceof TenantNameTaken) return taken('Another tenant has this name.', thrown)
  if (thrown instanceof TenantInUse) return taken('It has keys, if only revoked ones; disable it instead.', thrown)
  if (thrown instanceof ChannelNameTaken) return taken('Another channel of the pool has this name.', thrown)
  return thrown instanceof AliasTaken ? taken('alias already in use', thrown) : thrown
}

function taken(message: string, cause: unknown): GatewayError {
  return new GatewayError('conflict', { message, cause })
}
