import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ulid } from '../../../proxy/domain/ulid.ts'
import { adoptFolders, createFolder } from '../../../proxy/ledger/folders.ts'
import { directoryFor } from '../../support/entries.ts'

const OWNER = new URL('../../support/folder-owner.ts', import.meta.url).pathname

/** A process with a folder of its own. */
async function startOwner(t: TestContext, spoolDir: string): Promise<{ boot: string; process: ChildProcess }> {
  const boot = ulid()
  const owner = spawn(process.execPath, [OWNER, spoolDir, boot], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => owner.kill('SIGKILL'))
  await once(owner.stdout, 'data')
  return { boot, process: owner }
}

async function kill(owner: ChildProcess): Promise<void> {
  owner.kill('SIGKILL')
  await once(owner, 'exit')
}

test('the folder of a process that was killed is adopted, and only then', async (t) => {
  const spoolDir = directoryFor(t)
  const owner = await startOwner(t, spoolDir)
  const boot = ulid()
  assert.deepEqual(await adoptFolders(spoolDir, boot), [])
  await kill(owner.process)
  assert.deepEqual(await adoptFolders(spoolDir, boot), [
    { path: join(spoolDir, `${owner.boot}.${boot}`), boot: owner.boot },
  ])
  assert.deepEqual(readdirSync(spoolDir), [`${owner.boot}.${boot}`])
  assert.deepEqual(await adoptFolders(spoolDir, boot), [], 'its own folders are nothing to adopt')
})

test('a process that is merely stopped keeps its folder, even when many have asked whether it lives', async (t) => {
  const spoolDir = directoryFor(t)
  const owner = await startOwner(t, spoolDir)
  owner.process.kill('SIGSTOP')
  assert.deepEqual(await adoptFolders(spoolDir, ulid()), [])
  // Nobody accepts these connections, so the kernel's queue for them becomes full.
  const sockets = Array.from({ length: 600 }, () => connect(join(spoolDir, owner.boot, 'socket')))
  const attempts = sockets.map(
    (socket) => new Promise((resolve) => socket.once('connect', resolve).once('error', resolve)),
  )
  await Promise.all(attempts)
  assert.deepEqual(await adoptFolders(spoolDir, ulid()), [])
  for (const socket of sockets) socket.destroy()
  owner.process.kill('SIGCONT')
  assert.deepEqual(await adoptFolders(spoolDir, ulid()), [])
  await kill(owner.process)
  assert.equal((await adoptFolders(spoolDir, ulid())).length, 1)
})

test('of many claimants each folder has one', async (t) => {
  const spoolDir = directoryFor(t)
  const dead = Array.from({ length: 20 }, () => ulid())
  for (const boot of dead) mkdirSync(join(spoolDir, boot))
  // Claimants live, or their claims would be free again.
  const claimants = await Promise.all(Array.from({ length: 8 }, () => createFolder(spoolDir, ulid())))
  const claims = await Promise.all(claimants.map(({ boot }) => adoptFolders(spoolDir, boot)))
  assert.deepEqual(
    claims
      .flat()
      .map(({ boot }) => boot)
      .toSorted(),
    dead,
  )
  await Promise.all(claimants.map((claimant) => claimant.remove()))
})

test('what a process had adopted is adopted again when it dies itself', async (t) => {
  const spoolDir = directoryFor(t)
  const adopter = await startOwner(t, spoolDir)
  const first = ulid()
  mkdirSync(join(spoolDir, `${first}.${adopter.boot}`))
  writeFileSync(join(spoolDir, `${first}.${adopter.boot}`, '00000001.spool'), 'what it wrote')
  assert.deepEqual(await adoptFolders(spoolDir, ulid()), [])
  await kill(adopter.process)
  const boot = ulid()
  assert.deepEqual((await adoptFolders(spoolDir, boot)).map(({ path }) => path).toSorted(), [
    join(spoolDir, `${adopter.boot}.${boot}`),
    join(spoolDir, `${first}.${boot}`),
  ])
  assert.equal(readFileSync(join(spoolDir, `${first}.${boot}`, '00000001.spool'), 'utf8'), 'what it wrote')
})

test('a folder is never there without the socket that says its process lives', async (t) => {
  const spoolDir = directoryFor(t)
  const made: Awaited<ReturnType<typeof createFolder>>[] = []
  const makeMany = async (): Promise<void> => {
    for (let count = 0; count < 100; count++) made.push(await createFolder(spoolDir, ulid()))
  }
  const making = makeMany()
  const boot = ulid()
  while (made.length < 100) {
    assert.deepEqual(await adoptFolders(spoolDir, boot), [])
    await new Promise((resolve) => setImmediate(resolve))
  }
  await making
  await Promise.all(made.map((folder) => folder.remove()))
  assert.deepEqual(readdirSync(spoolDir), [])
})

test('what else lies in the directory is left alone', async (t) => {
  const spoolDir = directoryFor(t)
  const foreign = ['.snapshot', 'lost+found', 'notes.txt', 'old']
  for (const name of foreign.filter((entry) => entry !== 'notes.txt')) mkdirSync(join(spoolDir, name))
  writeFileSync(join(spoolDir, 'notes.txt'), 'mine')
  assert.deepEqual(await adoptFolders(spoolDir, ulid()), [])
  assert.deepEqual(readdirSync(spoolDir), foreign)
})

test('a path that is too long for a socket is refused in plain words', async (t) => {
  const spoolDir = join(directoryFor(t), 'x'.repeat(80))
  await assert.rejects(
    createFolder(spoolDir, ulid()),
    /SPOOL_DIR is too long for a socket in it: .*more than 107 bytes/,
  )
  assert.deepEqual(readdirSync(spoolDir), [])
})

test('a folder that was being made when its process was killed is removed, and one that is being made stays', async (t) => {
  const spoolDir = directoryFor(t)
  const [old, young] = [join(spoolDir, `.${ulid()}`), join(spoolDir, `.${ulid()}`)]
  for (const folder of [old, young]) mkdirSync(folder)
  utimesSync(old, new Date(0), new Date(0))
  assert.deepEqual(await adoptFolders(spoolDir, ulid()), [])
  assert.deepEqual([existsSync(old), existsSync(young)], [false, true])
})
