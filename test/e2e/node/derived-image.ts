import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage } from '../../cluster/images.ts'
import { IMAGE, type Stage } from './stage.ts'

/** A migration holds this lock of PostgreSQL while it works: who has it holds the migration up. */
export const MIGRATION_LOCK = 4711

/** A later version of the product: one migration more, which runs the statement once it has the lock. */
export async function loadNextVersion({ node }: Stage, version: string, statement: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tg-next-'))
  const tag = `docker.io/library/tollgate:${version}`
  try {
    await writeFile(join(folder, 'more.js'), migration(statement))
    await writeFile(join(folder, 'Dockerfile'), DOCKERFILE.replace('VERSION', version))
    await buildImage(tag, folder, '--format=docker')
    await node.loadImage(tag)
  } finally {
    await rm(folder, { recursive: true })
  }
  return `tollgate:${version}`
}

const DOCKERFILE = `FROM ${IMAGE}
USER root
COPY more.js /app/proxy/store/migrations/9000-more.js
RUN cd /app && sed -i 's/"version": "[^"]*"/"version": "VERSION"/' package.json \\
 && sed -i -e "1i import { more } from './migrations/9000-more.js'" -e 's/^export const migrationNames/migrations.push(more);\\n&/' proxy/store/migrate.js \\
 && grep -q 'migrations.push(more)' proxy/store/migrate.js
USER 10001:10001
`

/** Its schema may be used by every version. */
function migration(statement: string): string {
  const run = (sql: string): string => `await query.sequelize.query(${JSON.stringify(sql)}, { transaction })`
  return `export const more = {
  name: '9000-more',
  minReader: 1,
  async up({ query, transaction }) {
    ${run(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`)}
    ${run(statement)}
  },
}
`
}
