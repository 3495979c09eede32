import express, { type ErrorRequestHandler, type Express } from 'express'
import { GatewayError } from './domain/errors.ts'
import { ulid } from './domain/ulid.ts'
import type { Gateway } from './http/gateway.ts'
import { addOperations, type OperationParts } from './http/operations.ts'
import { addPages, type PageParts } from './http/pages.ts'
import { requestIdOf } from './http/request-id.ts'
import { asGatewayError, type ReportError, sendError } from './http/send-error.ts'

/** Which endpoint goes where. */
export function createApp(
  gateway: Pick<Gateway, 'handle'>,
  pages: PageParts,
  operations: OperationParts | undefined,
  reportError: ReportError,
): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', false)

  // First, and not mounted as `app.use('/v1', …)`: that would match case-insensitively and rewrite the URL.
  app.use((req, res, next) => {
    if (req.url.startsWith('/v1/')) void gateway.handle(req, res)
    else next()
  })
  app.use((req, res, next) => {
    res.set('x-request-id', requestIdOf(req, ulid()))
    if (pages.isDraining()) res.shouldKeepAlive = false
    next()
  })
  addPages(app, pages)
  if (operations) addOperations(app, operations)
  app.use(() => {
    throw new GatewayError('route_unknown')
  })

  // Express knows an error handler by its four parameters.
  const onError: ErrorRequestHandler = (thrown: unknown, _req, res, _next) => {
    const error = asGatewayError(thrown)
    const requestId = res.get('x-request-id') ?? ''
    reportError(error, requestId)
    if (res.headersSent) res.destroy()
    else sendError(res, error, { dialect: 'openai', requestId })
  }
  app.use(onError)
  return app
}
