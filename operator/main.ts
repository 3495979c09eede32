import { randomBytes } from 'node:crypto'
import { identityFromKubeConfig, type ReadIdentity } from './client/identity.ts'
import { identityFromServiceAccount } from './client/service-account.ts'
import { type OperatorConfig, readOperatorConfig } from './config.ts'
import { createLog } from './log.ts'
import { createAskHealth } from './observe/ask-health.ts'
import { createReconcile, type Pass } from './reconcile.ts'
import { serve, type Tools } from './serve.ts'
import { createRecorder } from './status/record-events.ts'
import { version } from './version.ts'

const EX_CONFIG = 78
/** For giving the lease back, when something went wrong that never should. */
const LAST_WORDS_MS = 5000

const config = configured()
const log = createLog(config.LOG_LEVEL)
const signalled = firstSignal()
const operator = await serve(config, log, version, identity(), createPass)
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'what should never happen has happened: the operator ends')
  setTimeout(() => process.exit(1), LAST_WORDS_MS)
  void operator.stop().finally(() => process.exit(1))
})
log.info({ port: operator.port, version }, 'the operator runs')
const end = await Promise.race([signalled, operator.lost.then(() => 'lost' as const)])
if (end === 'lost') process.exit(1) // whoever started it starts it again, as one that follows
log.info('stopping')
await operator.stop()
log.info('stopped')

function createPass({ client, createReaders, metrics }: Tools): Pass {
  return createReconcile({
    client,
    createReaders,
    askHealth: createAskHealth(),
    recorder: createRecorder(client, config.POD_NAME, Date.now),
    now: Date.now,
    operatorNamespace: config.POD_NAMESPACE,
    makeSecret: () => randomBytes(32).toString('base64'),
    onDrift: (kind) => metrics.driftCorrection(kind),
  })
}

function identity(): ReadIdentity {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = config
  if (KUBECONFIG === undefined && host !== undefined) return identityFromServiceAccount(host, port)
  return identityFromKubeConfig(KUBECONFIG)
}

function configured(): OperatorConfig {
  try {
    return readOperatorConfig(process.env)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(EX_CONFIG)
  }
}

/** Resolves at the first request to end; a second one ends the process at once, as it does everywhere. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
}
