import { type PostgresServer, startPostgres } from './postgres.ts'

let server: PostgresServer | undefined

const CACHE = new URL('../../node_modules/.cache/tollgate-tests', import.meta.url).pathname

/** For `node --test --test-global-setup`: one PostgreSQL for the whole run. What is set here, each test file's process inherits. */
export async function globalSetup(): Promise<void> {
  // Each file is a process, and most read the same sources.
  process.env['NODE_COMPILE_CACHE'] = CACHE
  server = await startPostgres()
  process.env['TEST_POSTGRES_URL'] = server.url('postgres')
}

export async function globalTeardown(): Promise<void> {
  await server?.close()
}
