/**
 * Whether the API server refuses an object for the sake of a ResourceQuota (kubernetes.io: "Resource Quotas"): one that is
 * used up, that nobody has counted yet, that wants requests or limits named, or that ought to be there and is not. All of
 * them matter: a ReplicaSet goes on telling why its first pod was refused, whatever the later ones are refused for.
 */
export function isQuotaRefusal(message: string): boolean {
  return /exceeded quota|status unknown for quota|failed quota|insufficient quota/.test(message)
}
