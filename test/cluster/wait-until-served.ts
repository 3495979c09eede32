import { until } from '../support/until.ts'
import type { ClusterAccess } from './cluster-access.ts'

/**
 * Waits for kinds whose definitions were just applied, by their plurals. Not with `kubectl wait --for=condition=Established`:
 * it fails on a definition that nobody has looked at yet, whose conditions are null (kubernetes/kubernetes#66439), and an
 * established kind may not be served for some moments yet.
 */
export async function waitUntilServed(
  { kubectl }: Pick<ClusterAccess, 'kubectl'>,
  plurals: readonly string[],
): Promise<void> {
  const areServed = (): Promise<boolean> =>
    kubectl('get', plurals.join()).then(
      () => true,
      () => false,
    )
  await until(`${plurals.join()} are served`, areServed, 120_000)
}
