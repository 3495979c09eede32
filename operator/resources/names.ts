import { createHash } from 'node:crypto'
import type { Store } from '../api/object.ts'

type Named = Pick<Store, 'name' | 'spec'>

export function claimName({ name, spec }: Named): string {
  return spec.database.sqlite?.existingClaimRef?.name ?? `${name}-data`
}

/** A Secret, and one of its keys. */
export interface SecretKey {
  readonly name: string
  readonly key: string
}

export function adminKeyOf({ name, spec }: Named): SecretKey {
  const given = spec.secrets?.adminKeySecretRef
  return { name: given?.name ?? `${name}-admin-key`, key: given?.key ?? 'admin-key' }
}

export function encryptionKeyOf({ name, spec }: Named): SecretKey {
  const given = spec.secrets?.encryptionKeySecretRef
  return { name: given?.name ?? `${name}-encryption-key`, key: given?.key ?? 'encryption-key' }
}

/** The same attempt has the same name, so that the same Job is never made twice. */
export function migrationJobName({ name }: Named, hash: string): string {
  return `${name}-migrate-${hash}`
}

/** Ten hexadecimal digits for what the parts say. */
export function hashOf(...parts: readonly (string | undefined)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 10)
}
