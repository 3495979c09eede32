import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const ROOT = new URL('..', import.meta.url).pathname

/**
 * Each room, and the rooms it may import, for types too. A folder that is not listed does not exist. A stage never
 * imports another stage: what it needs of one is handed to it by the files directly in proxy/.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'proxy/domain': [],
  'proxy/auth': ['proxy/domain'],
  'proxy/limit': ['proxy/domain'],
  'proxy/route': ['proxy/domain'],
  'proxy/format': ['proxy/domain'],
  'proxy/upstream': ['proxy/domain'],
  'proxy/meter': ['proxy/domain'],
  'proxy/ledger': ['proxy/domain'],
  'proxy/telemetry': ['proxy/domain'],
  'proxy/secrets': ['proxy/domain'],
  'proxy/admin': ['proxy/domain'], // the stores come in as arguments
  'proxy/http': ['proxy/domain'], // pipeline, keys, ledger and metrics come in as arguments
  'proxy/store': ['proxy/domain', 'proxy/store/migrations'],
  'proxy/store/file': ['proxy/domain'],
  'proxy/store/migrations': ['proxy/store'], // the type of a migration
  'proxy/cli': ['proxy', 'proxy/auth', 'proxy/domain', 'proxy/ledger', 'proxy/store', 'proxy/telemetry'],
  'proxy/main.ts': ['proxy/cli'],
  'operator/api': [],
  'operator/client': ['operator/api'], // the type of an object
  'operator/resources': ['operator/api'],
  'operator/plan': ['operator/api', 'operator/resources'],
  'operator/loop': ['operator/client'],
  'operator/observe': ['operator/api', 'operator/client', 'operator/plan', 'operator/resources'],
  'operator/apply': ['operator/api', 'operator/client', 'operator/plan'],
  'operator/status': ['operator/api', 'operator/client', 'operator/plan'],
  operator: [
    'operator/client',
    'operator/loop',
    'operator/observe',
    'operator/apply',
    'operator/plan',
    'operator/status',
  ],
  proxy: [
    'proxy/domain',
    'proxy/auth',
    'proxy/limit',
    'proxy/route',
    'proxy/format',
    'proxy/upstream',
    'proxy/meter',
    'proxy/ledger',
    'proxy/telemetry',
    'proxy/http',
    'proxy/secrets',
    'proxy/admin',
    'proxy/store',
    'proxy/store/file',
  ],
}

/** Each package, and the rooms or files it may be imported in, for types too. What is not listed has no place. */
const homes: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['operator/client'],
  commander: ['proxy/cli'],
  express: ['proxy', 'proxy/http'],
  helmet: ['proxy', 'proxy/http'],
  pg: ['proxy/store'],
  pino: ['proxy/telemetry', 'operator/log.ts'],
  'prom-client': ['proxy/telemetry', 'proxy/http/metrics.ts', 'operator/loop'],
  sequelize: ['proxy/store', 'proxy/store/migrations'],
  sqlite3: ['proxy/store'],
  ulid: ['proxy/domain/ulid.ts', 'proxy/store/retention.ts'],
  umzug: ['proxy/store'],
  undici: ['proxy/upstream', 'operator/client'],
  zod: [
    'proxy/admin',
    'proxy/config.ts',
    'proxy/ledger/replay.ts',
    'proxy/store/file',
    'operator/api',
    'operator/config.ts',
  ],
}

/** Rooms that decide with values: no input, no output, no clock and no chance of their own. */
const pure = [
  'proxy/domain',
  'proxy/limit',
  'proxy/meter',
  'proxy/route',
  'proxy/format',
  'operator/api',
  'operator/resources',
  'operator/plan',
]
const impurities: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['proxy/domain/ulid.ts', 'operator/resources/names.ts'], // a hash is no chance
  'node:http': ['proxy/domain/attribution.ts', 'proxy/domain/call.ts'], // the type of headers
}

const ENVIRONMENT = new Set(['proxy/main.ts', 'operator/main.ts'])
const MAX_LINES = 300
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const SAYS_NOTHING = /^(?:utils?|helpers?|commons?|shared|misc|types?|managers?|services?|index)$/

interface File {
  /** From the root of the repository. */
  readonly path: string
  readonly text: string
}

/** What is wrong with a file, in sentences. */
function problemsOf({ path, text }: File): string[] {
  return [
    ...nameProblems(path),
    ...importProblems(path, text),
    ...purityProblems(path, text),
    ...textProblems(path, text),
  ]
}

function nameProblems(path: string): string[] {
  const names = path.replace(/\.ts$/, '').split('/')
  return [
    ...names.filter((name) => !KEBAB_CASE.test(name)).map((name) => `${path}: ${name} is not in kebab-case`),
    ...names.filter((name) => SAYS_NOTHING.test(name)).map((name) => `${path}: the name ${name} says nothing`),
  ]
}

function importProblems(path: string, text: string): string[] {
  const room = dirname(path)
  const allowed = rooms[path] ?? rooms[room]
  if (allowed === undefined) return [`${path}: the folder ${room} is not in the table`]
  return importsOf(text).flatMap((specifier) => {
    if (specifier === undefined) return [`${path}: imports what only the running program knows`]
    if (specifier.startsWith('node:')) return []
    if (specifier.startsWith('.')) {
      const imported = join(room, specifier)
      const target = dirname(imported)
      if (!specifier.endsWith('.ts')) return [`${path}: write ${specifier} with .ts`]
      return target === room || allowed.includes(target) || allowed.includes(imported)
        ? []
        : [`${path}: ${room} may not import ${target}`]
    }
    const home = homes[specifier]
    if (home === undefined) return [`${path}: the package ${specifier} is not in the table`]
    return home.includes(room) || home.includes(path)
      ? []
      : [`${path}: ${specifier} has its home in ${home.join(', ')}`]
  })
}

/** What a text imports by `from '…'`, `import '…'` or `import('…')`; undefined for what is computed. */
function importsOf(text: string): (string | undefined)[] {
  const literal = /(?<![.\w])(?:from|import|import\s*\()\s*(['"])(?<specifier>[^'"\n]+)\1/g
  const computed = /\bimport\s*\(\s*(?!['"\s])|\brequire\s*\(|\bcreateRequire\b/
  const found = [...text.matchAll(literal)].map(({ groups }) => groups?.['specifier'])
  return computed.test(text) ? [...found, undefined] : found
}

function purityProblems(path: string, text: string): string[] {
  if (!pure.includes(dirname(path))) return []
  return [
    ...importsOf(text)
      .filter((name) => name?.startsWith('node:') && !impurities[name]?.includes(path))
      .map((name) => `${path}: a pure room may not import ${name}`),
    ...(/\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b/.test(text)
      ? [`${path}: a pure room is told the time and the chance`]
      : []),
  ]
}

function textProblems(path: string, text: string): string[] {
  const problems: string[] = []
  const readsEnvironment = /\bprocess\s*(?:\.|\?\.|\[\s*['"])(?:env|loadEnvFile)\b|['"](?:node:)?process['"]/.test(text)
  if (readsEnvironment && !ENVIRONMENT.has(path)) problems.push(`${path}: the environment is read in main.ts only`)
  if (/\bexport\s+default\b|\bas\s+default\b/.test(text)) problems.push(`${path}: exports a default`)
  const lines = text.split('\n').length - 1
  if (lines > MAX_LINES) problems.push(`${path}: ${lines} lines are more than ${MAX_LINES}`)
  return problems
}

function sources(): File[] {
  return globSync('{proxy,operator}/**/*.ts', { cwd: ROOT }).map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  }))
}

test('every room imports only what it may', () => {
  const files = sources()
  assert.ok(files.length > 50, `only ${files.length} files were seen`)
  assert.ok(
    files.flatMap(({ text }) => importsOf(text)).length > 200,
    'imports were seen: a gate that sees nothing is worse than none',
  )
  assert.deepEqual(files.flatMap(problemsOf), [])
})

test('every room, package and exception of the table exists', () => {
  const files = sources()
  const imports = new Set(files.flatMap(({ text }) => importsOf(text)))
  const exists = (place: string): boolean => files.some(({ path }) => path === place || dirname(path) === place)
  const named = [...Object.entries(rooms).flat(2), ...Object.entries(homes).flatMap(([, home]) => home)]
  assert.deepEqual(
    [...named, ...Object.values(impurities).flat(), ...pure].filter((place) => !exists(place)),
    [],
  )
  const awaited = 'pg' // declared for PostgreSQL, which comes next
  assert.deepEqual(
    Object.keys(homes).filter((name) => !imports.has(name) && name !== awaited),
    [],
  )
})

test('no two stages import one another', () => {
  const stages = ['auth', 'limit', 'route', 'format', 'upstream', 'meter', 'ledger', 'http', 'telemetry'].map(
    (name) => `proxy/${name}`,
  )
  for (const stage of stages) assert.deepEqual(rooms[stage], ['proxy/domain'], stage)
})

const wrong: Readonly<Record<string, readonly [path: string, text: string, problem: RegExp]>> = {
  'a stage that imports another': [
    'proxy/limit/admit.ts',
    "import { choose } from '../route/choose.ts'\n",
    /proxy\/limit may not import proxy\/route/,
  ],
  'a type-only import': [
    'proxy/domain/key.ts',
    "import type { Ledger } from '../ledger/ledger.ts'\n",
    /proxy\/domain may not import proxy\/ledger/,
  ],
  'an import over several lines': [
    'proxy/meter/meter.ts',
    "import {\n  one,\n  two,\n} from '../http/body.ts'\n",
    /proxy\/meter may not import proxy\/http/,
  ],
  'a bare import': ['proxy/limit/admit.ts', "import '../store/keys.ts'\n", /proxy\/limit may not import proxy\/store/],
  'an import in the middle of a function': [
    'proxy/limit/admit.ts',
    "const { x } = await import('../store/keys.ts')\n",
    /proxy\/limit may not import proxy\/store/,
  ],
  'the type of an import': [
    'proxy/limit/admit.ts',
    "type Store = import('../store/keys.ts').KeyStore\n",
    /proxy\/limit may not import proxy\/store/,
  ],
  're-exports': ['proxy/limit/admit.ts', "export * from '../auth/secret.ts'\n", /may not import proxy\/auth/],
  'a computed import': ['proxy/limit/admit.ts', 'await import(name)\n', /only the running program knows/],
  'an import by require': ['proxy/limit/admit.ts', "require('express')\n", /only the running program knows/],
  'an import without its ending': ['proxy/limit/admit.ts', "import { x } from './account'\n", /with \.ts/],
  'a room that imports the file that joins them': [
    'proxy/http/gateway.ts',
    "import type { Pipeline } from '../pipeline.ts'\n",
    /proxy\/http may not import proxy$/,
  ],
  'a program that imports its command line': [
    'proxy/serve.ts',
    "import { runProgram } from './cli/program.ts'\n",
    /proxy may not import proxy\/cli/,
  ],
  'one side that imports the other': [
    'proxy/config.ts',
    "import { reconcile } from '../operator/reconcile.ts'\n",
    /proxy may not import operator/,
  ],
  'a package away from home': [
    'proxy/auth/authenticate.ts',
    "import { Op } from 'sequelize'\n",
    /sequelize has its home in proxy\/store/,
  ],
  'a package without a home': ['proxy/auth/authenticate.ts', "import _ from 'lodash'\n", /lodash is not in the table/],
  'a folder nobody knows': ['proxy/cache/cache.ts', '', /the folder proxy\/cache is not in the table/],
  'the environment': ['proxy/config.ts', 'const port = process.env.PORT\n', /the environment is read in/],
  'the environment in brackets': ['proxy/config.ts', "const e = process['env']\n", /the environment is read in/],
  'the environment by import': [
    'proxy/config.ts',
    "import { env } from 'node:process'\n",
    /the environment is read in/,
  ],
  'a default export': ['proxy/config.ts', 'export default {}\n', /exports a default/],
  'a default export by name': ['proxy/config.ts', 'export { x as default }\n', /exports a default/],
  'a clock in a pure room': ['proxy/limit/admit.ts', 'const now = Date.now()\n', /told the time/],
  'a file system in a pure room': [
    'proxy/route/choose.ts',
    "import { open } from 'node:fs'\n",
    /may not import node:fs/,
  ],
  'a long file': ['proxy/config.ts', '\n'.repeat(301), /301 lines are more than 300/],
  'a file in camel case': ['proxy/auth/hashSecret.ts', '', /hashSecret is not in kebab-case/],
  'a file named utils': ['proxy/auth/utils.ts', '', /the name utils says nothing/],
  'a file named index': ['proxy/auth/index.ts', '', /the name index says nothing/],
  'a folder named helpers': ['proxy/helpers/x.ts', '', /the name helpers says nothing/],
}

for (const [what, [path, text, problem]] of Object.entries(wrong)) {
  test(`the check sees ${what}`, () => {
    assert.ok(
      problemsOf({ path, text }).some((sentence) => problem.test(sentence)),
      problemsOf({ path, text }).join('\n') || 'it saw nothing',
    )
  })
}

test('the check lets a good file pass', () => {
  const text = "import { GatewayError } from '../domain/errors.ts'\nimport { hashSecret } from './secret.ts'\n"
  assert.deepEqual(problemsOf({ path: 'proxy/auth/authenticate.ts', text }), [])
})
