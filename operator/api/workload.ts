import { z } from 'zod'
import { countOrShare, flag, keyed, listOf, passedOn, reference, texts, whole } from './parts.ts'
import { ruled } from './rule.ts'

export const autoscaling = ruled(
  z
    .object({
      minReplicas: whole(1, 100, 'Pods at least. Default: 1.').optional(),
      maxReplicas: whole(1, 100, 'Pods at most.'),
      targetCPUUtilizationPercentage: whole(
        1,
        100,
        'Of what the pods request. Default: 70, without metrics.',
      ).optional(),
      metrics: listOf(
        passedOn('As in a HorizontalPodAutoscaler (autoscaling/v2).'),
        10,
        'What else to scale by.',
      ).optional(),
    })
    .meta({ description: 'A HorizontalPodAutoscaler for the proxies; replicas is then left to it.' }),
  [
    {
      cel: '!has(self.minReplicas) || self.minReplicas <= self.maxReplicas',
      message: 'minReplicas cannot be more than maxReplicas',
      holds: ({ minReplicas, maxReplicas }) => (minReplicas ?? 1) <= maxReplicas,
    },
  ],
)

export const service = z
  .object({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).optional().meta({ description: 'Default: ClusterIP.' }),
    port: whole(1, 65_535, 'Its port. Default: 80.').optional(),
    annotations: texts(64, 4096, 'Annotations of the Service.').optional(),
  })
  .meta({ description: 'The Service before the proxies.' })

export const networkPolicy = z
  .object({
    enabled: flag('Whether there is one. Default: false.').optional(),
    ingressFrom: listOf(
      passedOn('As `from` in a NetworkPolicy.'),
      32,
      'Who may call the proxies and read their metrics, besides the operator. Default: everybody.',
    ).optional(),
    egressTo: listOf(
      passedOn('As `to` in a NetworkPolicy.'),
      32,
      'Whom the proxies may call besides DNS. Default: everybody.',
    ).optional(),
  })
  .meta({ description: 'A NetworkPolicy for the proxies.' })

export const podDisruptionBudget = ruled(
  z
    .object({
      maxUnavailable: countOrShare('How many pods may be away. Default: 1.').optional(),
      minAvailable: countOrShare('How many pods have to stay.').optional(),
    })
    .meta({
      description:
        'A PodDisruptionBudget for the proxies. Left out, there is one where there is more than one replica.',
    }),
  [
    {
      cel: '!(has(self.maxUnavailable) && has(self.minAvailable))',
      message: 'maxUnavailable and minAvailable exclude each other',
      holds: ({ maxUnavailable, minAvailable }) => maxUnavailable === undefined || minAvailable === undefined,
    },
    {
      cel: "!has(self.maxUnavailable) || !(string(self.maxUnavailable) in ['0', '0%'])",
      message: 'maxUnavailable cannot be 0: no node could ever be drained',
      holds: ({ maxUnavailable }) => !['0', '0%'].includes(String(maxUnavailable)),
    },
  ],
)

export const monitoring = z
  .object({
    serviceMonitor: flag('Whether a ServiceMonitor is made where that kind exists. Default: true.').optional(),
    prometheusRule: flag('Whether a PrometheusRule is made where that kind exists. Default: true.').optional(),
  })
  .meta({ description: 'Objects of the Prometheus operator.' })

export const drain = ruled(
  z
    .object({
      shutdownDelaySeconds: whole(
        0,
        600,
        'How long a pod that ends goes on accepting, while load balancers notice. Default: 5.',
      ).optional(),
      terminationGracePeriodSeconds: whole(
        5,
        3600,
        'How long calls in flight and the ledger have in all. Default: 60.',
      ).optional(),
    })
    .meta({ description: 'How a pod ends.' }),
  [
    {
      cel: '(has(self.shutdownDelaySeconds) ? self.shutdownDelaySeconds : 5) < (has(self.terminationGracePeriodSeconds) ? self.terminationGracePeriodSeconds : 60)',
      message: 'terminationGracePeriodSeconds has to be longer than shutdownDelaySeconds',
      holds: ({ shutdownDelaySeconds = 5, terminationGracePeriodSeconds = 60 }) =>
        shutdownDelaySeconds < terminationGracePeriodSeconds,
    },
  ],
)

export const migration = z
  .object({
    policy: z.enum(['Auto', 'Manual', 'Disabled']).optional().meta({
      description:
        'Auto migrates before a roll-out; Manual waits for the annotation tollgate.dev/approve-migration; Disabled never migrates. Default: Auto.',
    }),
    backupBefore: flag(
      'Whether a backup is made before the first change. Default: true, where targets are set.',
    ).optional(),
    activeDeadlineSeconds: whole(60, 86_400, 'How long one attempt may take. Default: 1800.').optional(),
    backoffLimit: whole(
      0,
      20,
      'How often a failed attempt is repeated before a change of spec is waited for. Default: 3.',
    ).optional(),
  })
  .meta({ description: 'How the schema of a PostgreSQL store is brought up to date.' })

export const imagePullSecrets = keyed(reference('A Secret.'), 'name', 8, 'Secrets for the registry of the image.')
