import { stringify } from 'yaml'
import { customResourceDefinitions } from '../operator/api/crd.ts'
import { trials } from '../test/operator/api/manifests.ts'
import { type Json, manifestOf, type Trial } from '../test/operator/api/trial.ts'

type Row = readonly string[]

interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean'
  readonly description?: string
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly enum?: readonly string[]
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly maxProperties?: number
}

interface Definition {
  readonly spec: {
    readonly names: { readonly kind: string }
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }]
  }
}

/** Every field of the spec of a kind, or of its status: where it is, what it takes, what it is for. */
export function fieldRows(kind: string, part: 'spec' | 'status'): readonly Row[] {
  // safe: documents of our own
  const definitions = [...customResourceDefinitions().values()] as unknown as readonly Definition[]
  const definition = definitions.find(({ spec }) => spec.names.kind === kind)
  const schema = definition?.spec.versions[0].schema.openAPIV3Schema.properties?.[part]
  if (schema === undefined) throw new Error(`${kind} has no ${part}`)
  return rowsBelow('', schema)
}

function rowsBelow(path: string, { properties = {}, required = [] }: Schema): Row[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const takes = [
      typeOf(field),
      ...(required.includes(name) ? ['required'] : []),
      ...('default' in field ? [`default ${String(field.default)}`] : []),
    ].join(', ')
    const row = [`\`${path}${name}\``, takes, field.description ?? '']
    return [row, ...rowsBelow(`${path}${name}.`, field), ...rowsBelow(`${path}${name}[].`, field.items ?? {})]
  })
}

function typeOf({ type, format, additionalProperties, ...rest }: Schema): string {
  if (rest.enum !== undefined) return rest.enum.map((value) => `\`${value}\``).join(' or ')
  if (format === 'date-time') return 'time'
  if (type === 'array') return `list of at most ${rest.maxItems}`
  if (additionalProperties !== undefined) return `map of at most ${rest.maxProperties}`
  if (type === 'integer') return rest.maximum === undefined ? 'number' : `number ${rest.minimum}–${rest.maximum}`
  if (type === 'string') return `text of at most ${rest.maxLength}`
  if (type === 'boolean') return 'true or false'
  return type ?? 'number or text'
}

/** Every rule, with what it accepts and what it refuses, as the tests try it at a real API server. */
export function ruleRows(): readonly Row[] {
  return trials
    .filter(({ message }) => !message.startsWith('spec.'))
    .map((trial) => {
      const { kind, message, before, accepted, refused } = trial
      const first = before === undefined ? '' : `${shown(trial, before)}, then `
      return [kind, message, first + shown(trial, accepted), first + shown(trial, refused)]
    })
}

/** Of a manifest, what the trial is about. */
function shown(trial: Trial, patch: Json): string {
  const patches = [trial.before, trial.accepted, trial.refused]
  const about = new Set(patches.flatMap((each) => Object.keys(each?.['spec'] ?? {})))
  const manifest = manifestOf(trial, patch)
  const spec = Object.fromEntries(Object.entries(manifest.spec).filter(([name]) => about.has(name)))
  const { metadata } = patch
  return `\`${stringify(metadata === undefined ? spec : { metadata }, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``
}
