import { z } from 'zod'
import { listOf, mapOf, passedOn, quantity, text, texts } from './parts.ts'
import { ruled } from './rule.ts'

const quantities = (description: string) => mapOf(quantity('An amount.'), 16, description)

const resources = z
  .object({
    requests: quantities('What is reserved.').optional(),
    limits: quantities('What is not exceeded.').optional(),
  })
  .meta({ description: 'CPU, memory and storage of the container.' })

const RESERVED = ['app.kubernetes.io/', 'tollgate.dev/']

function notReserved(what: 'labels' | 'annotations') {
  return ruled(texts(64, 4096, `Further ${what} of the pods.`), [
    {
      cel: `self.all(k, ${RESERVED.map((prefix) => `!k.startsWith('${prefix}')`).join(' && ')})`,
      message: `${what} that begin with app.kubernetes.io/ or tollgate.dev/ are the operator's`,
      holds: (map) => Object.keys(map).every((name) => !RESERVED.some((prefix) => name.startsWith(prefix))),
    },
  ])
}

/** What of a pod may be chosen: a part of Kubernetes' PodTemplateSpec, so that the document stays small. */
export const podTemplate = (description: string) =>
  z
    .object({
      labels: notReserved('labels').optional(),
      annotations: notReserved('annotations').optional(),
      nodeSelector: texts(32, 63, 'Labels that a node needs to have.').optional(),
      affinity: passedOn('As in a PodSpec.').optional(),
      tolerations: listOf(passedOn('As in a PodSpec.'), 32, 'Taints of nodes that the pods bear.').optional(),
      topologySpreadConstraints: listOf(
        passedOn('As in a PodSpec, without labelSelector, which is that of the store.'),
        8,
        'How the pods spread. Default: over nodes and zones as far as possible.',
      ).optional(),
      resources: resources.optional(),
      priorityClassName: text(253, 'The priority class of the pods.').optional(),
    })
    .meta({ description })
