import { z } from 'zod'

/** `FOO=` means that FOO is not set; space around a value is a slip. */
const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() || undefined : value)
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(trimmed, schema)
const integer = (fallback: number, min: number, max: number) =>
  optional(z.coerce.number().int().min(min).max(max).default(fallback))

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const namespace = (fallback: string) =>
  optional(z.string().regex(LABEL, 'must be the name of a namespace').default(fallback))
const namespaces = () =>
  optional(
    z
      .string()
      .default('')
      .transform((list) => [...new Set(list.split(',').map((each) => each.trim()))].filter(Boolean))
      .refine((list) => list.every((each) => LABEL.test(each)), 'must be names of namespaces, with commas'),
  )

/** The operator's variables; the descriptions make the table of docs/configuration.md. */
export const operatorVariables = z
  .object({
    KUBECONFIG: optional(z.string().optional()).describe(
      'A kubeconfig file. Unset: in a pod its service account, elsewhere `~/.kube/config`.',
    ),
    KUBERNETES_SERVICE_HOST: optional(z.string().max(253).optional()).describe(
      'Where the API server is, as Kubernetes tells every pod.',
    ),
    KUBERNETES_SERVICE_PORT: integer(443, 1, 65_535).describe('Its port, likewise.'),
    WATCH_NAMESPACES: namespaces().describe('Namespaces, with commas, whose stores it looks after. Unset: all.'),
    POD_NAME: optional(z.string().max(253).default('tollgate-operator')).describe(
      'What it calls itself in the lease and in events.',
    ),
    POD_NAMESPACE: namespace('default').describe(
      'Its own namespace, which has the lease, and out of which pods of stores are asked how they are.',
    ),
    LEASE_NAME: optional(z.string().min(1).max(253).default('tollgate-operator')).describe(
      'The Lease for which replicas compete. Two operators for different namespaces need two.',
    ),
    LEASE_DURATION_MS: integer(30_000, 1000, 3_600_000).describe(
      'After how long without a renewal another replica takes the lease.',
    ),
    LEASE_RENEW_DEADLINE_MS: integer(20_000, 500, 3_600_000).describe(
      'After how long without a renewal the one that leads gives up and ends; shorter than the duration.',
    ),
    LEASE_RETRY_MS: integer(5_000, 100, 3_600_000).describe(
      'How often the lease is renewed or tried for; at most half of the deadline.',
    ),
    WORKERS: integer(4, 1, 64).describe('How many stores are worked on at once.'),
    PORT: integer(8080, 0, 65_535).describe('Of `/healthz`, `/readyz` and `/metrics`.'),
    SHUTDOWN_GRACE_MS: integer(20_000, 0, 600_000).describe(
      'After SIGTERM: how long passes that are under way may take.',
    ),
    LOG_LEVEL: optional(
      z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    ).describe('Of the log on standard output.'),
  })
  .superRefine(({ LEASE_DURATION_MS, LEASE_RENEW_DEADLINE_MS, LEASE_RETRY_MS }, context) => {
    const complain = (name: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [name], message })
    if (LEASE_RENEW_DEADLINE_MS >= LEASE_DURATION_MS) {
      complain('LEASE_RENEW_DEADLINE_MS', 'must be shorter than LEASE_DURATION_MS')
    }
    if (LEASE_RETRY_MS * 2 > LEASE_RENEW_DEADLINE_MS) {
      complain('LEASE_RETRY_MS', 'must be at most half of LEASE_RENEW_DEADLINE_MS')
    }
  })

export type OperatorConfig = Readonly<z.infer<typeof operatorVariables>>

/** Throws what tells every problem at once, by the names of the variables and without their values. */
export function readOperatorConfig(env: Readonly<Record<string, string | undefined>>): OperatorConfig {
  const parsed = operatorVariables.safeParse(env)
  if (parsed.success) return Object.freeze(parsed.data)
  const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
  throw new Error(`The environment has ${problems.length} problem(s):\n${problems.join('\n')}`)
}
