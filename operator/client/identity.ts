/** Where the API server is, and how we show it who we are. */
export interface Identity {
  /** `https://host:port`, with a path where a proxy serves several clusters. */
  readonly server: string
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TrustAndCertificate
}

interface TrustAndCertificate {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/** Reads everything anew: tokens and authorities are replaced while a program runs. */
export type ReadIdentity = () => Promise<Identity>

/**
 * From the kubeconfig file named, or as kubectl finds it. The library is loaded here alone and late: it takes a second
 * and 90 MB, and who gives an identity does without it, as a pod does.
 */
export function identityFromKubeConfig(file?: string): ReadIdentity {
  return async () => {
    const { KubeConfig } = await import('@kubernetes/client-node')
    const config = new KubeConfig() // a new one has no token cached
    if (file === undefined) config.loadFromDefault()
    else config.loadFromFile(file)
    const cluster = config.getCurrentCluster()
    if (cluster === null) throw new Error('The kubeconfig names no current cluster.')
    if (cluster.proxyUrl) throw new Error('A kubeconfig with proxy-url is not supported.')
    const options: Parameters<typeof config.applyToHTTPSOptions>[0] = { headers: {} }
    await config.applyToHTTPSOptions(options)
    const { ca, cert, key, servername, rejectUnauthorized } = options
    return {
      server: cluster.server,
      headers: Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)])),
      tls: {
        ...(ca && { ca: String(ca) }),
        ...(cert && { cert: String(cert) }),
        ...(key && { key: String(key) }),
        ...(servername && { servername }),
        ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
      },
    }
  }
}
