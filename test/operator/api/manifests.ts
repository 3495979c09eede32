import { apiKeyTrials } from './api-key-manifests.ts'
import { backupTrials } from './backup-manifests.ts'
import { storeTrials } from './store-manifests.ts'
import type { Trial } from './trial.ts'

/** One accepted and one refused manifest for every rule, as docs/crds.md shows them. */
export const trials: readonly Trial[] = [...storeTrials, ...apiKeyTrials, ...backupTrials]
