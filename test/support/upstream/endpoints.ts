import { json } from './answer.ts'
import type { Answer, Asked, Endpoint } from './answer.ts'
import { anthropicModel, anthropicModels, countTokens, messages } from './anthropic.ts'
import { nothingServed } from './behaviour.ts'
import { chatCompletions, completions } from './chat.ts'
import {
  embeddings,
  images,
  moderations,
  openaiModel,
  openaiModels,
  rerank,
  speech,
  transcriptions,
} from './other-endpoints.ts'
import { providerError, speaksAnthropic } from './provider-error.ts'
import { responses } from './responses.ts'

const endpoints: ReadonlyMap<string, readonly [endpoint: Endpoint, idPrefix: string]> = new Map([
  ['POST /messages', [messages, 'msg_fake']],
  ['POST /messages/count_tokens', [countTokens, '']],
  ['POST /chat/completions', [chatCompletions, 'chatcmpl-fake']],
  ['POST /completions', [completions, 'cmpl-fake']],
  ['POST /responses', [responses, 'resp_fake']],
  ['POST /embeddings', [embeddings, '']],
  ['POST /moderations', [moderations, 'modr-fake']],
  ['POST /images/generations', [images, '']],
  ['POST /audio/transcriptions', [transcriptions, '']],
  ['POST /audio/speech', [speech, '']],
  ['POST /rerank', [rerank, 'rerank-fake']],
  ['GET /models', [(asked: Asked) => (speaksAnthropic(asked.call) ? anthropicModels : openaiModels)(asked), '']],
])

/** Base URLs are written with and without /v1, and both must work. */
function nameOf(method: string, path: string): string {
  return `${method} ${path.replace(/^\/v1(?=\/)/, '')}`
}

export function idPrefixOf(method: string, path: string): string {
  return endpoints.get(nameOf(method, path))?.[1] ?? ''
}

function oneModel({ call, models }: Asked): Answer | undefined {
  const encoded = /^(?:\/v1)?\/models\/(.+)$/.exec(call.path)?.[1]
  const id = call.method === 'GET' && encoded !== undefined ? decodeURIComponent(encoded) : undefined
  if (id === undefined || !models.includes(id)) return undefined
  return json(speaksAnthropic(call) ? anthropicModel(id) : openaiModel(id))
}

/** What would be said if nothing went wrong on the way: the status and the body, but not how they are sent. */
export function answerTo(asked: Asked): Answer {
  const { call, plan } = asked
  const whole = { kind: 'whole', status: plan.status ?? 200, spent: nothingServed, reported: false } as const
  if (plan.rawBody !== undefined) {
    return { ...whole, contentType: 'application/json', body: Buffer.from(plan.rawBody) }
  }
  if (plan.html === true) {
    const page = `<html>\n<head><title>${whole.status}</title></head>\n<body><h1>A page — not an answer</h1></body>\n</html>\n`
    return { ...whole, contentType: 'text/html', body: Buffer.from(page) }
  }
  if (whole.status >= 300) return providerError(call, whole.status, plan.error)
  const found = endpoints.get(nameOf(call.method, call.path))
  return found?.[0](asked) ?? oneModel(asked) ?? providerError(call, 404, plan.error)
}
