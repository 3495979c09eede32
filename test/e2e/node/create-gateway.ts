import { enterGateway, type StageGateway } from './gateway-on-stage.ts'
import type { Stage } from './stage.ts'

export interface PostgresGateway extends StageGateway {
  /** As the tests reach it. */
  readonly databaseUrl: string
}

/** A store of its own, in a namespace and a database of its own, with the provider of the stage as its account. */
export async function createGateway(stage: Stage, spec: object = {}): Promise<PostgresGateway> {
  const { node, postgres, upstream } = stage
  const [namespace, databaseUrl] = [await node.createNamespace(), await postgres.createDatabase()]
  const secret = (name: string, stringData: Readonly<Record<string, string>>): object => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    stringData,
  })
  await node.apply(
    secret('gateway-db', { uri: stage.reachable(databaseUrl) }),
    secret('providers', { ANTHROPIC_API_KEY: 'of-the-account' }),
    {
      apiVersion: 'tollgate.dev/v1alpha1',
      kind: 'ApiKeyStore',
      metadata: { name: 'gateway', namespace },
      spec: {
        image: 'tollgate:0.1.0',
        database: { engine: 'postgres', postgres: { connectionSecretRef: { name: 'gateway-db' } } },
        secrets: { providerSecretRefs: [{ name: 'providers' }] },
        settings: { ANTHROPIC_BASE_URL: upstream.url },
        ...spec,
      },
    },
  )
  await node.kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'akstore/gateway', '--timeout=180s')
  return { ...(await enterGateway(stage, namespace, 'gateway')), databaseUrl }
}
