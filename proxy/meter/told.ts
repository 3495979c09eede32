import type { Told } from '../domain/entry.ts'
import { serviceTierOf } from '../domain/service-tier.ts'
import { storable } from '../domain/storable.ts'

type Json = Readonly<Record<string, unknown>>

/** What an answer, or one event of it, says of itself besides its usage; `before` is what earlier events said. */
export function toldOf(json: Json, before: Told): Told {
  const answer = object(json['message']) ?? object(json['response']) ?? json
  const [tier, usage] = [answer['service_tier'], object(answer['usage'])]
  const tellsTier = tier !== undefined || usage?.['service_tier'] !== undefined || usage?.['speed'] !== undefined
  const error = object(answer['error']) ?? object(json['error']) ?? (json['type'] === 'error' ? json : undefined)
  return {
    model: name(answer['model']) ?? before.model,
    serviceTier: tellsTier ? serviceTierOf(tier, usage) : before.serviceTier,
    error: name(error?.['message']) ?? before.error,
  }
}

/** The model stands at the beginning of an answer, before anything that a model has written. */
const MODEL = /(?<!\\)"model"\s*:\s*"([^"\\]{1,255})"/
const BEGINNING_BYTES = 1024

/** The model that the beginning of a whole answer names. */
export function modelAtBeginning(chunk: Buffer | undefined): string | null {
  const [, model] = MODEL.exec(chunk?.toString('latin1', 0, BEGINNING_BYTES) ?? '') ?? []
  return model ?? null
}

function name(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? storable(value) : undefined
}

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null ? (value as Json) : undefined // safe: an object
}
