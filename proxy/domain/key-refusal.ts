import { ConfigRefusal } from './config-refusal.ts'

/** Another key that is not revoked has this name. */
export class NameTaken extends ConfigRefusal {
  override readonly name = 'NameTaken'
}

/** Another key, perhaps a revoked one, has or had this secret. */
export class SecretTaken extends ConfigRefusal {
  override readonly name = 'SecretTaken'
}

/** There is no such key, or it was revoked. */
export class NoLivingKey extends ConfigRefusal {
  override readonly name = 'NoLivingKey'
}

/** Its fields contradict one another; `message` is a sentence for whoever asked for it. */
export class InvalidKey extends ConfigRefusal {
  override readonly name = 'InvalidKey'
}

export class NoSuchTenant extends ConfigRefusal {
  override readonly name = 'NoSuchTenant'
}

/** Another tenant has this name. */
export class TenantNameTaken extends ConfigRefusal {
  override readonly name = 'TenantNameTaken'
}

/** It has keys; of revoked ones the ledger still tells. */
export class TenantInUse extends ConfigRefusal {
  override readonly name = 'TenantInUse'
}
