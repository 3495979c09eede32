import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, json } from '../../../support/ask.ts'
import { createHome, startGateway } from '../../../support/gateway.ts'

test('a gateway with a key file has no list of keys', async (t) => {
  const home = await createHome()
  t.after(() => home.remove())
  await writeFile(join(home.path, 'apikeys.json'), '{"keys":[]}')
  const gateway = await startGateway(home)
  t.after(() => gateway.stop())
  const { status, text } = await ask(`${gateway.url}/api/keys`)
  assert.deepEqual([status, json(text)['code']], [501, 'needs_database'])
})
