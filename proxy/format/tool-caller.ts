import type { Fields } from './fields.ts'
import { objectOf } from './json.ts'

/** Every call tells who made it: the model itself, or a program of the provider's, whose result is not for us. */
export function refuseProgram(call: Fields): void {
  const type = objectOf(call.any('caller'))['type']
  if (typeof type === 'string' && type !== 'direct') call.refuse(type)
}
