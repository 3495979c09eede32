export type { KubernetesObject } from '../api/object.ts'

/** Where an object is; without a namespace for the kinds that have none. */
export interface Place {
  readonly namespace?: string
  readonly name: string
}
