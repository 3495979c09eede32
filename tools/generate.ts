import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { conditionTypes, reasons } from '../operator/api/reasons.ts'
import { operatorVariables, readOperatorConfig } from '../operator/config.ts'
import { createOperatorMetrics } from '../operator/loop/metrics.ts'
import { readConfig, variables } from '../proxy/config.ts'
import { errorCatalogue } from '../proxy/domain/errors.ts'
import { formerVariables } from '../proxy/former-variables.ts'
import { openPostgres } from '../proxy/store/postgres.ts'
import { openSqlite } from '../proxy/store/sqlite.ts'
import type { Gauges } from '../proxy/telemetry/gauges.ts'
import { createMetrics } from '../proxy/telemetry/metrics.ts'
import { postgresSettings } from '../test/support/database.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { chartFiles } from './chart-files.ts'
import { crdFiles } from './crd-files.ts'
import { fieldRows, ruleRows } from './crd-tables.ts'
import { recordSchema, schemaFiles } from './schema-files.ts'

/**
 * Writes the tables of the documents, and the documents of the operator's kinds, from the code. Tables stand between `<!-- generated:NAME -->` and
 * `<!-- /generated -->`; the prose around them is written by hand. The files are committed, and a test compares.
 */
const ROOT = new URL('..', import.meta.url).pathname
const MB = 1024 * 1024
/** What prom-client tells of any Node.js process; which ones there are depends on the system. */
export const FOREIGN_METRICS = /^tollgate_(?:operator_)?(?:process|nodejs)_/

type Tables = Readonly<Record<string, () => string>>

const documents: Readonly<Record<string, Tables>> = {
  'docs/conditions.md': { conditions: conditionTable, reasons: reasonTable },
  'docs/configuration.md': { variables: variableTable, operator: operatorVariableTable, former: formerTable },
  'docs/crds.md': {
    store: () => fieldTable('ApiKeyStore', 'spec'),
    storestatus: () => fieldTable('ApiKeyStore', 'status'),
    key: () => fieldTable('ApiKey', 'spec'),
    backup: () => fieldTable('ApiKeyStoreBackup', 'spec'),
    restore: () => fieldTable('ApiKeyStoreRestore', 'spec'),
    rules: () => table(['Kind', 'Rule', 'Accepted', 'Refused'], ruleRows()),
  },
  'docs/errors.md': { errors: errorTable },
  'docs/metrics.md': { metrics: () => metricTable(metrics()) },
  'docs/operator.md': { metrics: () => metricTable(operatorMetrics()) },
}

/** Every generated document as it should be: by its path, from the root of the repository. */
export function generate(): ReadonlyMap<string, string> {
  const written = Object.entries(documents).map(
    ([path, tables]) => [path, withTables(path, readFileSync(join(ROOT, path), 'utf8'), tables)] as const,
  )
  return new Map([...written, ...crdFiles(), ...chartFiles()])
}

type Settings = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** A variable's default as one would write it; undefined for what is not set. */
export function defaultOf(name: string, config: Settings = readConfig({})): string | undefined {
  const value = config[name]
  if (value === undefined) return undefined
  if (typeof value === 'object') return value.join(',')
  return String(name.endsWith('_MB') ? Number(value) / MB : value)
}

/** The metrics of our own, as the registry has them. */
export function metrics(): readonly Metric[] {
  // safe: no value is asked for here, so no gauge is looked at; and every metric of prom-client has its labels' names
  const { registry } = createMetrics({} as Gauges)
  return oursIn(registry)
}

/** Those of the operator. */
function operatorMetrics(): readonly Metric[] {
  const none = { isLeading: () => false, queueDepth: () => 0, queueOldestMs: () => 0, watches: () => [] }
  return oursIn(createOperatorMetrics('0', none).registry)
}

function oursIn(registry: { getMetricsAsArray(): unknown }): readonly Metric[] {
  const all = registry.getMetricsAsArray() as readonly Metric[]
  return all.filter(({ name }) => !FOREIGN_METRICS.test(name))
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labelNames: readonly string[]
}

function withTables(path: string, text: string, tables: Tables): string {
  const written = new Set<string>()
  const next = text.replaceAll(
    /(?<open><!-- generated:(?<name>[a-z]+) -->\n)[^]*?(?<close><!-- \/generated -->)/g,
    (...match) => {
      const { open, name, close } = match.at(-1) as { open: string; name: string; close: string } // safe: the groups
      const rows = tables[name]
      if (rows === undefined) throw new Error(`${path}: nothing generates ${name}`)
      written.add(name)
      return `${open}\n${rows()}\n\n${close}`
    },
  )
  const missing = Object.keys(tables).filter((name) => !written.has(name))
  if (missing.length > 0) throw new Error(`${path} has no place for ${missing.join(', ')}`)
  return next
}

function variableTable(): string {
  const rows = Object.entries(variables.shape).map(([name, { description }]) => {
    const value = defaultOf(name)
    return [code(name), value === undefined ? '' : code(value), description ?? '']
  })
  return table(['Variable', 'Default', 'Meaning'], rows)
}

function operatorVariableTable(): string {
  const rows = Object.entries(operatorVariables.shape).map(([name, { description }]) => {
    const value = defaultOf(name, readOperatorConfig({}))
    return [code(name), value ? code(value) : '', description ?? '']
  })
  return table(['Variable', 'Default', 'Meaning'], rows)
}

function formerTable(): string {
  const rows = formerVariables.map(({ names, knownTo, standing, note }) => [
    names.map(code).join(', '),
    knownTo,
    typeof standing === 'object' ? `renamed: ${code(standing.renamed)}` : standing,
    note,
  ])
  return table(['Variable', 'Of', 'Is now', 'Note'], rows)
}

function errorTable(): string {
  const rows = Object.entries(errorCatalogue).map(([name, [status, sentence]]) => [
    code(name),
    String(status),
    sentence,
  ])
  return table(['Code', 'Status', 'Message'], rows)
}

function fieldTable(...of: Parameters<typeof fieldRows>): string {
  return table(['Field', 'Takes', 'Meaning'], fieldRows(...of))
}

function conditionTable(): string {
  return table(
    ['Condition', 'True when'],
    Object.entries(conditionTypes).map(([name, means]) => [code(name), means]),
  )
}

function reasonTable(): string {
  const rows = Object.entries(reasons).map(([name, { means, ...rest }]) => [
    code(name),
    means,
    'todo' in rest ? rest.todo : '',
  ])
  return table(['Reason', 'What it means', 'What to do'], rows)
}

function metricTable(all: readonly Metric[]): string {
  const rows = all.map(({ name, type, labelNames, help }) => [code(name), type, labelNames.map(code).join(', '), help])
  return table(['Metric', 'Type', 'Labels', 'Meaning'], rows)
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Outside code spans, what Markdown would take for a tag is written as text. */
function cell(text: string): string {
  const escaped = text.replaceAll('|', String.raw`\|`)
  return escaped.replaceAll(/`[^`]*`|[<>]/g, (part) => (part === '<' ? '&lt;' : part === '>' ? '&gt;' : part))
}

function code(text: string): string {
  return `\`${text}\``
}

/** The files of the schema, recorded from real engines. */
async function generateSchemas(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-generate-'))
  const server = await startPostgres()
  try {
    const databases = [
      await openSqlite(join(folder, 'tollgate.db')),
      await openPostgres(postgresSettings(await server.createDatabase())),
    ]
    for (const database of databases) {
      writeFileSync(join(ROOT, schemaFiles[database.engine]), await recordSchema(database))
      await database.close()
    }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true })
  }
}

if (import.meta.main) {
  for (const [path, text] of generate()) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true })
    writeFileSync(join(ROOT, path), text)
  }
  await generateSchemas()
}
