import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../proxy/config.ts'
import { createLog } from '../../proxy/telemetry/log.ts'
import { welcome } from '../../proxy/welcome.ts'

test('who has channels in the database is not told that no upstream is configured', () => {
  for (const count of [0, 2]) {
    const lines: string[] = []
    const log = createLog('info', false, { write: (line) => lines.push(line) })
    const started = { port: 3000, location: 'tollgate.db', channels: () => count }
    welcome(readConfig({}), started, log, { isTTY: false, write: () => true })
    assert.equal(lines.join('').includes('no upstream is configured'), count === 0)
  }
})
