import { z } from 'zod'
import type { ApiDocument } from '../domain/api-document.ts'
import { type DocumentedOperation, operation } from './operation.ts'

/** The document of all operations, this one included. */
export function documentOperation(document: () => ApiDocument): DocumentedOperation {
  return operation(
    {
      id: 'getOpenApi',
      method: 'GET',
      path: '/openapi.json',
      tag: 'Documentation',
      access: 'public',
      summary: 'This document',
      description: 'For people it is at /api/docs.',
      answer: z.looseObject({ openapi: z.string() }),
    },
    async () => ({ body: { ...document() } }),
  )
}
