import type { RequestListener } from 'node:http'
import type { Registry } from 'prom-client'

export async function readMetrics(registry: Registry): Promise<{ readonly type: string; readonly text: string }> {
  return { type: registry.contentType, text: await registry.metrics() }
}

/** A port of its own: Prometheus needs no key there, and whoever may reach it is the network's affair. */
export function metricsListener(registry: Registry): RequestListener {
  return (req, res) => {
    if (req.url !== '/metrics') {
      res.writeHead(404).end()
      return
    }
    void readMetrics(registry).then(
      ({ type, text }) => res.writeHead(200, { 'content-type': type }).end(text),
      () => res.writeHead(500).end(),
    )
  }
}
