import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type FakeUpstream, startFakeUpstream } from './support/fake-upstream.ts'
import {
  createHome,
  type Env,
  type GatewayProcess,
  type Home,
  startGateway,
  until,
  upstreamEnv,
} from './support/gateway.ts'

/*
 * The examples of the documents, which are their blocks marked `sh`, run here: commands beside a gateway, and calls of
 * it. A line `# 400 …` says that a call is refused; a block that begins with `# needs …` is not run.
 */
const ROOT = new URL('..', import.meta.url).pathname
const ADMIN_KEY = 'tg-the-key-of-the-administrator'

let upstream: FakeUpstream
let home: Home
let gateway: GatewayProcess
let env: Env
/** A channel for `inForce` alone. */
let canary: string
let changes = 0

before(async () => {
  upstream = await startFakeUpstream()
  const accounts = { ZAI_API_KEY: 'zai', ZAI_API_BASE: `${upstream.url}/v1`, ZAI_ANTHROPIC_BASE: upstream.url }
  home = await createHome({ ...upstreamEnv(upstream.url), ...accounts, ADMIN_API_KEY: ADMIN_KEY })
  gateway = await startGateway(home)
  const { key, id } = await home.createKey()
  canary = await makeChannel('canary', 'chat')
  env = { ...home.env, PATH: commands(), KEY: ADMIN_KEY, ADMIN_KEY, TOLLGATE_KEY: key, ID: id }
})
after(async () => {
  await gateway.stop()
  await Promise.all([upstream.close(), home.remove()])
})

/** Where a shell finds what the examples call; curl fails for a refusal, which it does not by itself. */
function commands(): string {
  const folder = join(home.path, 'bin')
  const tollgate = `exec ${process.execPath} ${join(ROOT, 'bin/tollgate.mjs')} "$@"`
  const curl = 'PATH=${PATH#*:} exec curl --fail-with-body -sS "$@"'
  mkdirSync(folder)
  for (const [name, line] of Object.entries({ tollgate, curl, npx: `shift; ${tollgate}` })) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return `${folder}:${process.env['PATH']}`
}

async function ask(path: string, method = 'GET', body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' }
  const answer = await fetch(gateway.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return answer
}

async function channelsMade(): Promise<string[]> {
  const { channels } = (await (await ask('/api/channels')).json()) as {
    channels: { id: string; isReadOnly: boolean }[]
  } // safe: its schema
  return channels.filter(({ id, isReadOnly }) => !isReadOnly && id !== canary).map(({ id }) => id)
}

/** Resolves when the gateway goes by all channels as they are now: it lists the models that they name. */
async function inForce(): Promise<void> {
  const model = `canary-${++changes}`
  await ask(`/api/channels/${canary}`, 'PUT', { models: [model] })
  await until('the channels are in force', async () => (await (await ask('/v1/models')).text()).includes(model))
}

/** Ids as a document writes them, with those that channels have: it speaks of those that it makes, in that order. */
function createIds(): (script: string) => Promise<string> {
  const ids = new Map<string, string>()
  return async (script) => {
    for (const [written] of script.matchAll(/(?<!\w)[0-9a-f]{8}(?!\w)/g)) {
      if (ids.has(written)) continue
      const isTaken = new Set(ids.values())
      const id = (await channelsMade()).find((made) => !isTaken.has(made)) ?? (await makeChannel(written))
      ids.set(written, id)
    }
    return script.replaceAll(/(?<!\w)[0-9a-f]{8}(?!\w)/g, (written) => ids.get(written) ?? written)
  }
}

async function makeChannel(name: string, pool = 'messages'): Promise<string> {
  const body = { pool, name, serviceType: 'claude', baseUrl: upstream.url }
  return ((await (await ask('/api/channels', 'POST', body)).json()) as { id: string }).id // safe: its schema
}

/** An example as it is run: with this gateway, this upstream, and what the configuration is at this moment. */
async function localised(script: string): Promise<string> {
  const revision = (await ask('/api/channels')).headers.get('etag') ?? ''
  return script
    .replaceAll(/https:\/\/gateway|http:\/\/localhost:3000/g, gateway.url)
    .replaceAll(/https:\/\/api\.(?:anthropic|openai)\.com/g, upstream.url)
    .replaceAll(/If-Match: "\d+"/g, `If-Match: ${revision}`)
}

function examplesIn(path: string): readonly string[] {
  const blocks = readFileSync(join(ROOT, path), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)
  return [...blocks].map(([, code = '']) => code).filter((code) => !code.startsWith('# needs '))
}

async function run(script: string): Promise<string> {
  const expected = /^# (4\d\d)\b/m.exec(script)?.[1]
  const { stdout, stderr } = await promisify(execFile)('sh', ['-ec', script], { cwd: home.path, env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  const refused = /The requested URL returned error: (\d+)/.exec(stderr)?.[1]
  assert.equal(refused, expected, `${script}\n${stdout}\n${stderr}`)
  return stdout
}

/** What the documents say of the answers. */
const shown: Readonly<Record<string, RegExp>> = {
  'docs/admin-api.md': /^etag: "\d+"/im,
  'docs/formats.md': /^x-tollgate-lost: top_k\r\n[^]*previous_response_id cannot be carried over/m,
  'docs/prices.md': /^Would add \d+ /m,
}

const documents = globSync('docs/*.md', { cwd: ROOT }).toSorted()

for (const path of documents) {
  const examples = examplesIn(path)
  if (examples.length === 0) continue
  test(`the examples of ${path} work`, async () => {
    for (const id of await channelsMade()) await ask(`/api/channels/${id}`, 'DELETE')
    const withIds = createIds()
    const outputs: string[] = []
    for (const example of examples) {
      if (example.includes('/v1/')) await inForce()
      outputs.push(await run(await localised(await withIds(example))))
    }
    assert.match(outputs.join('\n'), shown[path] ?? /./)
  })
}

test('most documents have examples, and few of those need what is not there', () => {
  assert.ok(documents.filter((path) => examplesIn(path).length > 0).length >= 7)
  assert.ok(documents.flatMap(examplesIn).length > 12)
})
