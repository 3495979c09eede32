import { type PostgresServer, startPostgres } from './postgres.ts'

let server: PostgresServer | undefined

/** For `node --test --test-global-setup`: one PostgreSQL for the whole run. What is set here, each test file's process inherits. */
export async function globalSetup(): Promise<void> {
  server = await startPostgres()
  process.env['TEST_POSTGRES_URL'] = server.url('postgres')
}

export async function globalTeardown(): Promise<void> {
  await server?.close()
}
