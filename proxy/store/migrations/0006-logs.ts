import { tableOf } from '../database.ts'
import type { Migration } from '../migrate.ts'

/**
 * What the logs are searched by where what is looked for is rare: each index costs every commit of the ledger. The
 * other filters look at entries one by one.
 */
export const logs: Migration = {
  name: '0006-logs',
  minReader: 1,
  async up({ query, table, transaction }) {
    const { schema } = table('')
    const log = tableOf({ schema }, 'request_logs')
    const indexes = [
      `INDEX request_logs_session ON ${log} (session_id, id) WHERE session_id IS NOT NULL`,
      `INDEX request_logs_errors ON ${log} (id, http_status) WHERE http_status >= 400`,
      // By the end of a call: who watches is shown calls as they end, and an id is of their beginning.
      `INDEX request_logs_ended ON ${log} ((admitted_at + duration_ms))`,
      // What other programs report is told apart by the id that they give it.
      `UNIQUE INDEX request_logs_reported ON ${log} (request_id) WHERE channel_id = 'hook:anthropic'`,
    ]
    for (const index of indexes) await query.sequelize.query(`CREATE ${index}`, { transaction })
  },
}
