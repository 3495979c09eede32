import type { Stage } from './stage.ts'

interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly labels?: Readonly<Record<string, string>>
}

interface EndpointSlice {
  readonly kind: 'EndpointSlice'
  readonly metadata: Metadata
  readonly ports?: readonly { readonly name?: string; readonly port: number }[]
  readonly endpoints?: readonly {
    readonly addresses: readonly string[]
    readonly targetRef?: { readonly kind: string; readonly name: string }
  }[]
}

interface Service {
  readonly kind: 'Service'
  readonly metadata: Metadata
}

/** Targets as Prometheus reads them of files, under the labels that `role: endpointslice` gives them. */
export async function discoverEndpoints({ node }: Stage): Promise<readonly object[]> {
  const listed = await node.kubectl('get', 'services,endpointslices', '-A', '-o', 'json')
  const { items } = JSON.parse(listed) as { items: (EndpointSlice | Service)[] } // safe: as asked for
  const services = items.filter((item) => item.kind === 'Service')
  return items
    .filter((item) => item.kind === 'EndpointSlice')
    .flatMap((slice) => {
      const { namespace, labels = {} } = slice.metadata
      const service = services.find(
        ({ metadata }) => metadata.namespace === namespace && metadata.name === labels['kubernetes.io/service-name'],
      )
      return targetsOf(slice, service)
    })
}

function targetsOf({ metadata, ports, endpoints }: EndpointSlice, service: Service | undefined): object[] {
  const ofService = Object.entries(service?.metadata.labels ?? {}).map(([label, value]) => [
    `service_label_${label.replaceAll(/\W/g, '_')}`,
    value,
  ])
  return (endpoints ?? []).flatMap(({ addresses, targetRef }) =>
    (ports ?? []).map(({ name, port }) => {
      const labels = [
        ...ofService,
        ['namespace', metadata.namespace],
        ['service_name', service?.metadata.name],
        ['endpointslice_port_name', name],
        ['pod_name', targetRef?.kind === 'Pod' ? targetRef.name : undefined],
      ].filter(([, value]) => value !== undefined)
      return {
        targets: addresses.map((address) => `${address}:${port}`),
        labels: Object.fromEntries(labels.map(([label, value]) => [`__meta_kubernetes_${label}`, value])),
      }
    }),
  )
}
