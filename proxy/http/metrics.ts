import type { RequestListener } from 'node:http'

/** The metrics in Prometheus' text format. */
export type RenderMetrics = () => Promise<{ readonly type: string; readonly text: string }>

/** A port of its own: Prometheus needs no key there, and whoever may reach it is the network's affair. */
export function metricsListener(render: RenderMetrics): RequestListener {
  return (req, res) => {
    if (req.url !== '/metrics') {
      res.writeHead(404).end()
      return
    }
    void render().then(
      ({ type, text }) => res.writeHead(200, { 'content-type': type }).end(text),
      () => res.writeHead(500).end(),
    )
  }
}
