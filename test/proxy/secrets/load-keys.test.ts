import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { loadKeys } from '../../../proxy/secrets/load-keys.ts'
import { directoryFor } from '../../support/entries.ts'

const KEY = Buffer.alloc(32, 5)
const ROOM = new URL('../../../proxy/secrets/load-keys.ts', import.meta.url).href

function fileFor(t: TestContext): string {
  return join(directoryFor(t), 'data', 'encryption.key')
}

function written(t: TestContext, text: string, mode = 0o600): string {
  const file = fileFor(t)
  mkdirSync(join(file, '..'))
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

test('the variable alone counts where it is set: no file is made or read', async (t) => {
  const variable = KEY.toString('hex')
  const file = fileFor(t)
  assert.deepEqual(await loadKeys({ variable, file, mayMake: true }), { keys: [KEY], warnings: [] })
  assert.throws(() => statSync(file), { code: 'ENOENT' })
  const other = written(t, 'no key at all')
  assert.deepEqual((await loadKeys({ variable, file: other, mayMake: true })).keys, [KEY])
})

test('a key is made once, for its owner alone, and is the same from then on', async (t) => {
  const file = fileFor(t)
  const made = await loadKeys({ variable: undefined, file, mayMake: true })
  assert.equal(made.keys[0].length, 32)
  assert.deepEqual(made.warnings, [
    `An encryption key was made in ${file}: keep a copy of it, and give it to all replicas.`,
  ])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700)
  assert.equal(readFileSync(file, 'utf8'), `${made.keys[0].toString('base64')}\n`)
  for (const mayMake of [true, false]) {
    assert.deepEqual(await loadKeys({ variable: undefined, file, mayMake }), { keys: made.keys, warnings: [] })
  }
  assert.deepEqual(readdirSync(join(file, '..')), ['encryption.key'])
})

/** What each of several processes finds in the files: one of them looks without pause, the others make what is not there. */
async function race(t: TestContext, files: readonly string[]): Promise<readonly (readonly string[])[]> {
  const looking = `
    const read = () => { try { return readFileSync(file, 'utf8').trim() } catch {} }
    let text
    while (text === undefined) text = read()
    return [text]`
  const loading = `
    const load = () => loadKeys({ variable: undefined, file, mayMake: true })
    const loaded = await Promise.all([load(), load(), load()])
    return loaded.map(({ keys }) => keys[0].toString('base64'))`
  const children = [looking, loading, loading].map((work) => {
    const program = `
      import { once } from 'node:events'
      import { readFileSync } from 'node:fs'
      import { loadKeys } from ${JSON.stringify(ROOM)}
      const work = async (file) => {${work}}
      console.log('up')
      await once(process.stdin, 'data')
      process.stdin.destroy()
      for (const file of process.argv.slice(1)) console.log((await work(file)).join(' '))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, ...files], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.after(() => child.kill())
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
  })
  for (const { lines } of children) assert.equal((await lines.next()).value, 'up')
  for (const { child } of children) child.stdin.write('go on')
  return Promise.all(
    files.map(async () => {
      const found = await Promise.all(children.map(async ({ lines }) => (await lines.next()).value ?? ''))
      return found.flatMap((line) => line.split(' '))
    }),
  )
}

test('processes that start together agree on one key, and none ever sees a part of it', async (t) => {
  const folder = directoryFor(t)
  const files = Array.from({ length: 30 }, (_, round) => join(folder, `${round}`, 'encryption.key'))
  for (const found of await race(t, files)) {
    assert.equal(found.length, 7)
    assert.equal(new Set(found).size, 1, found.join(' '))
  }
  for (const file of files) assert.deepEqual(readdirSync(join(file, '..')), ['encryption.key'])
})

test('who may not make a key says that there is none', async (t) => {
  const file = fileFor(t)
  await assert.rejects(loadKeys({ variable: undefined, file, mayMake: false }), {
    name: 'BadKeys',
    message: `ENCRYPTION_KEY: it is not set, and there is no ${file}.`,
  })
  assert.deepEqual(readdirSync(join(file, '..', '..')), [])
})

test('a file may hold several keys, and others who may use it are told of', async (t) => {
  const text = `${KEY.toString('base64')}, ${'ab'.repeat(32)}\n`
  for (const [mode, warnings] of [
    [0o600, 0],
    [0o400, 0],
    [0o640, 1],
    [0o604, 1],
    [0o620, 1],
  ] as const) {
    const file = written(t, text, mode)
    const loaded = await loadKeys({ variable: undefined, file, mayMake: true })
    assert.deepEqual(loaded.keys, [KEY, Buffer.alloc(32, 0xab)])
    assert.equal(loaded.warnings.length, warnings, mode.toString(8))
    if (warnings > 0) {
      assert.match(loaded.warnings.join(), /encryption\.key may be used by others than its owner; chmod 600 /)
    }
  }
})

test('keys that cannot be used are told in one sentence that quotes nothing of them', async (t) => {
  const load = (file: string, variable?: string) => () => loadKeys({ variable, file, mayMake: true })
  const SHORT = 'a-secret-too-short'
  const form = 'must be 32 bytes in base64 or hexadecimal digits; openssl rand -base64 32 makes one.'
  const badFile = written(t, SHORT)
  const folder = written(t, '')
  const cases: readonly (readonly [() => Promise<unknown>, message: string])[] = [
    [load('', SHORT), `ENCRYPTION_KEY: the key ${form}`],
    [load('', `${KEY.toString('hex')},${SHORT}`), `ENCRYPTION_KEY: key 2 of 2 ${form}`],
    [load(badFile), `ENCRYPTION_KEY: ${badFile}: the key ${form}`],
    [load(folder), `ENCRYPTION_KEY: ${folder}: the key ${form}`],
    [load(join(badFile, 'key')), `ENCRYPTION_KEY: it is not set, and ${badFile}/key cannot be used (ENOTDIR).`],
    [load(join(folder, '..')), `ENCRYPTION_KEY: it is not set, and ${join(folder, '..')} cannot be used (EISDIR).`],
    [load('/dev/full/x/y'), 'ENCRYPTION_KEY: it is not set, and /dev/full/x/y cannot be used (ENOTDIR).'],
  ]
  for (const [loading, message] of cases) await assert.rejects(loading, { name: 'BadKeys', message })
  const long = written(t, '0'.repeat(70_000))
  await assert.rejects(load(long), { message: `ENCRYPTION_KEY: ${long} is too long to hold keys.` })
})
