import type { IncomingMessage } from 'node:http'
import type { Express, Request } from 'express'
import helmet from 'helmet'
import type { KeyRecord } from '../domain/key.ts'
import { GatewayError } from '../domain/errors.ts'
import { credentialOf } from './credential.ts'
import { homePage } from './home-page.ts'
import type { RenderMetrics } from './metrics.ts'

export interface PageParts {
  readonly version: string
  readonly authenticate: (credential: string | undefined, address: () => string | undefined) => Promise<KeyRecord>
  readonly clientAddress: (req: IncomingMessage) => string | undefined
  readonly stats: (key: KeyRecord) => Promise<object>
  readonly health: () => Promise<{ readonly canServe: boolean; readonly body: object }>
  readonly isReady: () => boolean
  readonly isDraining: () => boolean
  readonly metrics: RenderMetrics
}

/** Everything that is not `/v1`. */
export function addPages(app: Express, parts: PageParts): void {
  app.use(helmet())

  app.get('/', (req, res) => {
    const home = {
      name: 'Proxy Gateway',
      version: parts.version,
      endpoints: {
        health: 'GET /health',
        stats: 'GET /stats',
        openai_compatible: 'ALL /v1/* (except /v1/messages)',
        anthropic_compatible: 'POST /v1/messages',
      },
    }
    // A's JSON is what scripts expect; a browser names text/html and is the only one that does.
    if (req.headers.accept?.includes('text/html')) res.type('html').send(homePage(home.version))
    else res.json(home)
  })

  app.get('/health', async (_req, res) => {
    const { canServe, body } = await parts.health()
    res.status(canServe ? 200 : 503).json(body)
  })
  app.get('/health/live', (_req, res) => void res.json({ status: 'ok' }))
  app.get('/health/ready', (_req, res) => {
    const isReady = parts.isReady()
    res.status(isReady ? 200 : 503).json({ status: isReady ? 'ready' : 'unready' })
  })

  const keyOf = (req: Request): Promise<KeyRecord> =>
    parts.authenticate(credentialOf(req.headers, searchOf(req)), () => parts.clientAddress(req))
  app.get('/stats', async (req, res) => {
    res.json(await parts.stats(await keyOf(req)))
  })
  app.get('/metrics', async (req, res) => {
    if (!(await keyOf(req)).isAdmin) throw new GatewayError('admin_required')
    const { type, text } = await parts.metrics()
    res.set('content-type', type).send(text)
  })
}

function searchOf({ originalUrl }: Request): string {
  const at = originalUrl.indexOf('?')
  return at === -1 ? '' : originalUrl.slice(at)
}
