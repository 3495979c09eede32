import { Client, defaults } from 'pg'

defaults.parseInt8 = true // all our numbers are below 2^53

/** Asks PostgreSQL on a connection of its own, since it may have crashed since the last question. */
export async function query(url: string, sql: string): Promise<readonly object[]> {
  const client = new Client({ connectionString: url, options: '-c search_path=tollgate' })
  client.on('error', () => undefined) // the question fails as well
  await client.connect()
  try {
    return (await client.query<object>(sql)).rows
  } finally {
    await client.end()
  }
}
