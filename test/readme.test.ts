import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { defaultText, startFakeUpstream } from './support/fake-upstream.ts'
import { upstreamEnv } from './support/gateway.ts'

const ROOT = new URL('..', import.meta.url).pathname

interface Block {
  readonly language: string
  readonly code: string
}

/** The code blocks of a section, in order. */
function blocksOf(markdown: string, heading: string): Block[] {
  const section = markdown.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({ language, code }))
}

/** The repository as a clone would have it, with what `npm ci` would install. */
async function cloneRepository(): Promise<string> {
  const clone = await mkdtemp(join(tmpdir(), 'tg-readme-'))
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  for (const file of files.trim().split('\n')) {
    await cp(join(ROOT, file), join(clone, file), { preserveTimestamps: true, force: true }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // deleted, and not yet committed
    })
  }
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  return clone
}

test('the five-minute start of the README works word by word', async (t) => {
  const upstream = await startFakeUpstream()
  const clone = await cloneRepository()
  t.after(async () => {
    await upstream.close()
    await rm(clone, { recursive: true, force: true })
  })
  const [start, ...rest] = blocksOf(await readFile(join(ROOT, 'README.md'), 'utf8'), 'Five minutes')
  assert.ok(start && rest.length >= 5, 'the section has its blocks')

  const { ANTHROPIC_BASE_URL, OPENAI_BASE_URL } = upstreamEnv(upstream.url)
  const env = { PATH: process.env['PATH'] ?? '', HOME: clone, ANTHROPIC_BASE_URL, OPENAI_BASE_URL, PORT: '0' }
  const gateway = spawn('sh', ['-ec', start.code], {
    cwd: clone,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    gateway.once('exit', (code) => reject(new Error(`npm start ended with ${code}`)))
    createInterface({ input: gateway.stdout }).on('line', (line) => {
      const match = /"port":(\d+).*"msg":"listening"/.exec(line)
      if (match) resolve(Number(match[1]))
    })
  })
  t.after(() => {
    const isRunning = gateway.exitCode === null && gateway.signalCode === null
    if (isRunning && gateway.pid) process.kill(-gateway.pid, 'SIGKILL')
  })

  const script = rest
    .map(({ language, code }, index) =>
      language === 'js' ? `cat > ${index}.mjs <<'END'\n${code}END\nnode ${index}.mjs\n` : code,
    )
    .join('echo\n')
    .replaceAll('localhost:3000', `127.0.0.1:${port}`)
  const { stdout } = await promisify(execFile)('sh', ['-ec', script], { cwd: clone, env })

  assert.equal(stdout.split(defaultText).length - 1, 3, `three answers in: ${stdout}`)
  const stats = /\{"key".*\}/.exec(stdout)?.[0] ?? ''
  assert.match(stats, /"tokens_used_in_current_window":225/)
  assert.match(stdout, /^alice .* 225 /m, 'keys list shows what alice has used')

  // Not the end of the shell alone: npm and the gateway hold its output, and the gateway writes to its end.
  const closed = once(gateway, 'close')
  process.kill(-(gateway.pid ?? 0), 'SIGTERM')
  await closed
})

test('the README tells the commands that package.json has', async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
  for (const [, script = ''] of readme.matchAll(/npm (?:run )?(start|test|check|bench)\b/g))
    assert.ok(script in scripts, script)
})
