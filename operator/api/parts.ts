import { z } from 'zod'

/** RFC 1123, section 2.1, as Kubernetes has it. */
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

const objectName = z.string().min(1).max(253).regex(DNS_SUBDOMAIN)
const secretKey = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/)

/** A text of at most so many characters. */
export function text(maxLength: number, description: string): z.ZodString {
  return z.string().min(1).max(maxLength).meta({ description })
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number, description: string): z.ZodInt {
  return z.int().min(min).max(max).meta({ description })
}

export function flag(description: string): z.ZodBoolean {
  return z.boolean().meta({ description })
}

/** The name of a part within the same object, such as a backup's target. */
export function label(description: string): z.ZodString {
  return z.string().min(1).max(63).regex(DNS_LABEL).meta({ description })
}

/** An instant, as Kubernetes writes it (RFC 3339). */
export function time(description: string) {
  return z.iso.datetime({ offset: true }).max(40).meta({ description })
}

/** Another object of the same namespace. */
export function reference(description: string) {
  return z.object({ name: objectName.meta({ description: 'Its name, in the same namespace.' }) }).meta({ description })
}

/** One key of a Secret of the same namespace. */
export function secretKeyReference(description: string, defaultKey: string) {
  return z
    .object({
      name: objectName.meta({ description: 'The name of the Secret, in the same namespace.' }),
      key: secretKey.optional().meta({ description: `The key in the Secret. Default: ${defaultKey}.` }),
    })
    .meta({ description })
}

/** A list that is a set of objects, told apart by one field, so that two appliers can each own some of them. */
export function keyed<T extends z.ZodObject>(item: T, key: string, maxItems: number, description: string) {
  return z
    .array(item)
    .max(maxItems)
    .refine(
      (list) => new Set(list.map((each) => Reflect.get(each, key))).size === list.length,
      `no two entries have the same ${key}`,
    )
    .meta({ description, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })
}

/** A list that is replaced whole. */
export function listOf<T extends z.ZodType>(item: T, maxItems: number, description: string) {
  return z.array(item).max(maxItems).meta({ description, 'x-kubernetes-list-type': 'atomic' })
}

/** Values by their names, of so many entries at most. */
export function mapOf<T extends z.ZodType>(value: T, maxEntries: number, description: string) {
  return z
    .record(z.string(), value)
    .refine((map) => Object.keys(map).length <= maxEntries, `at most ${maxEntries} entries`)
    .meta({ description, maxProperties: maxEntries })
}

/** Texts by their names. */
export function texts(maxEntries: number, maxLength: number, description: string) {
  return mapOf(z.string().max(maxLength), maxEntries, description)
}

/** A part of Kubernetes' own API that is passed on as it is; the API server checks it where it is used. */
export function passedOn(description: string) {
  return z.record(z.string(), z.unknown()).meta({ description, 'x-kubernetes-preserve-unknown-fields': true })
}

/** An amount in Kubernetes' notation, such as 500m or 10Gi. */
export function quantity(description: string) {
  return intOrString(/^[+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][-+]?[0-9]+|[KMGTPE]i|[numkMGTPE])?$/, description)
}

/** A number of pods, or a share of them such as 25%. */
export function countOrShare(description: string) {
  return intOrString(/^([0-9]+|[0-9]{1,2}%|100%)$/, description)
}

/** What YAML may take for a number: neither is less than nothing. */
function intOrString(pattern: RegExp, description: string) {
  const maxLength = 32
  return z.union([z.int().min(0), z.string().max(maxLength).regex(pattern)]).meta({
    description,
    'x-kubernetes-int-or-string': true,
    minimum: 0,
    maxLength,
    pattern: pattern.source,
  })
}
