import type { Database, Engine } from '../proxy/store/database.ts'
import { migrate } from '../proxy/store/migrate.ts'

/** The committed file of each engine, from the root of the repository. */
export const schemaFiles: Readonly<Record<Engine, string>> = {
  sqlite: 'schema.sqlite.sql',
  postgres: 'schema.postgres.sql',
}

const HEAD = `-- Generated from the migrations by npm run generate, for people and for comparison. It is what they execute on an empty
-- database; tollgate schema up is what makes and upgrades one.
`

/** What the migrations execute on an empty database, in their order. `database` has to be empty, and is not afterwards. */
export async function recordSchema(database: Database): Promise<string> {
  const statements: string[] = []
  // safe: Sequelize has these options, and looks at them at every statement; its types leave them out
  const { options } = database.sequelize as unknown as { options: { logging: (line: string) => void } }
  options.logging = (line) => {
    const statement = line.replace(/^Executing \([^)]*\): /, '').replace(/;$/, '')
    if (/^(?:CREATE|ALTER|DROP)\b/.test(statement)) statements.push(statement)
  }
  await migrate(database)
  return [HEAD, ...statements.map((statement) => `${statement};\n`)].join('\n')
}
