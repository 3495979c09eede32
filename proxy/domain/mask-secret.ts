/** Below this what is shown would be most of it. */
const MIN_SHOWN_CHARS = 20

/** A secret for people: enough to recognise it by, and for a short one not even its length. */
export function maskSecret(secret: string): string {
  return secret.length < MIN_SHOWN_CHARS ? '********' : `${secret.slice(0, 8)}***${secret.slice(-4)}`
}
