import type { Config } from './config.ts'
import type { Bodies } from './http/body.ts'
import { createGateway, type Gateway, type GatewayParts } from './http/gateway.ts'
import { type Heartbeat, startHeartbeat } from './http/heartbeat.ts'
import { createPipeline, type PipelineParts } from './pipeline.ts'
import { prepare } from './prepare.ts'
import { createUpstream, type Upstream } from './upstream/send.ts'

/** What a call passes from the caller to an upstream and back. */
export interface CallPath {
  readonly gateway: Gateway
  readonly upstream: Upstream
  readonly heartbeat: Heartbeat
}

type Settings = 'defaultModel' | 'countsCacheReads' | 'drainMs' | 'failoverMs'

export interface CallPathParts
  extends
    Omit<PipelineParts, Settings | 'upstream' | 'prepare' | 'reopen'>,
    Pick<GatewayParts, 'reportError' | 'clientAddress' | 'isDraining'> {
  readonly bodies: Bodies
}

/** Pipeline and gateway, as they are configured. */
export function createCallPath(config: Config, parts: CallPathParts): CallPath {
  const upstream = createUpstream({
    connectTimeoutMs: config.CONNECT_TIMEOUT_MS,
    firstByteTimeoutMs: config.FIRST_BYTE_TIMEOUT_MS,
    idleTimeoutMs: config.IDLE_TIMEOUT_MS,
  })
  const heartbeat = startHeartbeat(config.SSE_HEARTBEAT_MS)
  const pipeline = createPipeline({
    ...parts,
    upstream,
    prepare,
    reopen: (opened) => parts.ledger.open(opened),
    defaultModel: config.DEFAULT_MODEL,
    countsCacheReads: config.WINDOW_COUNTS_CACHE_READS,
    drainMs: config.CLIENT_GONE_DRAIN_MS,
    failoverMs: config.FAILOVER_DEADLINE_MS,
  })
  const gateway = createGateway({
    pipeline,
    bodies: parts.bodies,
    heartbeat,
    reportError: parts.reportError,
    passthroughPaths: config.PASSTHROUGH_PATHS,
    maxConcurrentRequests: config.MAX_CONCURRENT_REQUESTS,
    stallTimeoutMs: config.CLIENT_STALL_TIMEOUT_MS,
    corsOrigin: config.CORS_ORIGIN,
    clientAddress: parts.clientAddress,
    isDraining: parts.isDraining,
  })
  return { gateway, upstream, heartbeat }
}
