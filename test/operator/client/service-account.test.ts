import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { identityFromServiceAccount } from '../../../operator/client/service-account.ts'

test('a pod shows the token that it has now, and trusts the authority of its cluster', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tg-account-'))
  t.after(() => rm(folder, { recursive: true }))
  const read = identityFromServiceAccount('fd00::1', 6443, folder)
  await assert.rejects(read(), /token/)
  await writeFile(join(folder, 'token'), 'first\n')
  await writeFile(join(folder, 'ca.crt'), 'authority')
  const identity = { server: 'https://[fd00::1]:6443', tls: { ca: 'authority' } }
  assert.deepEqual(await read(), { ...identity, headers: { authorization: 'Bearer first' } })
  await writeFile(join(folder, 'token'), 'second')
  assert.deepEqual(await read(), { ...identity, headers: { authorization: 'Bearer second' } })
  assert.equal((await identityFromServiceAccount('10.96.0.1', 443, folder)()).server, 'https://10.96.0.1:443')
})
