import { json } from './answer.ts'
import type { WholeAnswer } from './answer.ts'
import type { Behaviour, SeenCall } from './behaviour.ts'

type ErrorPlan = Behaviour['error'] | undefined

const anthropicTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

const openaiErrors: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  401: ['invalid_request_error', 'invalid_api_key'],
  404: ['invalid_request_error', 'model_not_found'],
  429: ['requests', 'rate_limit_exceeded'],
}

export function speaksAnthropic(call: SeenCall): boolean {
  return call.headers['anthropic-version'] !== undefined || /^(\/v1)?\/messages(\/|$)/.test(call.path)
}

export function anthropicError(type: string, plan: ErrorPlan) {
  const message = plan?.message ?? (type === 'overloaded_error' ? 'Overloaded' : `The fake upstream says ${type}`)
  return { type: 'error', error: { type: plan?.type ?? type, message } }
}

export function openaiError(type: string, code: string | null, plan: ErrorPlan) {
  const message = plan?.message ?? `The fake upstream says ${type}`
  return { error: { message, type: plan?.type ?? type, param: null, code: plan?.code ?? code } }
}

export function providerError(call: SeenCall, status: number, plan?: ErrorPlan): WholeAnswer {
  if (speaksAnthropic(call)) {
    const type = anthropicTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
    return json({ ...anthropicError(type, plan), request_id: call.requestId }, undefined, status)
  }
  const [type, code] = openaiErrors[status] ?? [status < 500 ? 'invalid_request_error' : 'server_error', null]
  return json(openaiError(type, code, plan), undefined, status)
}
