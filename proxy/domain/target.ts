/** Where one attempt goes. */
export interface Target {
  readonly channel: string
  readonly origin: string
  /** Path and query. */
  readonly path: string
  /** Credentials and what the provider demands; sent besides the caller's own headers. */
  readonly headers: Readonly<Record<string, string | string[]>>
}
