import assert from 'node:assert/strict'
import { test } from 'node:test'
import { customResourceDefinitions } from '../../../operator/api/crd.ts'
import { conditionTypes, reasons } from '../../../operator/api/reasons.ts'
import { crdFiles } from '../../../tools/crd-files.ts'

type Json = Readonly<Record<string, unknown>>

interface Node extends Json {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node
  readonly items?: Node
  readonly required?: readonly string[]
}

/** What a structural schema may say, of what this project uses (kubernetes.io: "Specifying a structural schema"). */
const known = new Set(
  `type description properties additionalProperties items required enum format pattern default minimum maximum minLength
  maxLength maxItems maxProperties x-kubernetes-int-or-string x-kubernetes-list-map-keys x-kubernetes-list-type
  x-kubernetes-preserve-unknown-fields x-kubernetes-validations`.split(/\s+/),
)

interface Place {
  readonly path: string
  readonly node: Node
  /** Items of a list are described by the list. */
  readonly isItem?: boolean
}

function placesOf({ path, node }: Place): Place[] {
  const { properties = {}, additionalProperties, items } = node
  const below: Place[] = [
    ...Object.entries(properties).map(([name, each]) => ({ path: `${path}.${name}`, node: each })),
    ...(additionalProperties ? [{ path: `${path}.*`, node: additionalProperties, isItem: true }] : []),
    ...(items ? [{ path: `${path}[]`, node: items, isItem: true }] : []),
  ]
  return [{ path, node }, ...below.flatMap((place) => [place, ...placesOf(place).slice(1)])]
}

const kinds = [...customResourceDefinitions().values()].map((definition) => {
  // safe: documents of our own
  const { names, versions } = definition['spec'] as {
    readonly names: { readonly kind: string }
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Node } }]
  }
  const root = { path: names.kind, node: versions[0].schema.openAPIV3Schema }
  return { root, places: placesOf(root).filter(({ path }) => path !== `${names.kind}.metadata`) }
})

/** What is wrong with one field, in sentences. */
function problemsOf({ path, node, isItem = false }: Place): string[] {
  const isBounded = 'maxLength' in node || 'enum' in node
  const listType = String(node['x-kubernetes-list-type'])
  const keys = (node['x-kubernetes-list-map-keys'] ?? []) as readonly string[] // safe: a document of our own
  const isTopLevel = path.split('.').length === 3 && path.includes('.spec.')
  const claims: readonly [problem: string, isSo: boolean][] = [
    ['has no description', !isItem && !node.description?.match(/\w{2}.*\.$/)],
    ['has no type', node.type === undefined && node['x-kubernetes-int-or-string'] !== true],
    ['is a text without an end', node.type === 'string' && !isBounded && !/\.(?:apiVersion|kind)$/.test(path)],
    ['is a list without an end', node.type === 'array' && !('maxItems' in node)],
    ['is a map without an end', node.additionalProperties !== undefined && !('maxProperties' in node)],
    ['is a list of no type', node.type === 'array' && !['map', 'atomic'].includes(listType)],
    ['has keys that may be missing', keys.some((key) => !node.items?.required?.includes(key))],
    ['has a default that a GitOps tool would take for drift', 'default' in node && !isTopLevel],
    ...Object.keys(node).map((name): [string, boolean] => [`says ${name}`, !known.has(name)]),
  ]
  return claims.flatMap(([problem, isSo]) => (isSo ? [`${path} ${problem}`] : []))
}

test('every field is described and bounded, in words that a structural schema may use', () => {
  assert.deepEqual(
    kinds.map(({ root }) => root.path),
    ['ApiKeyStore', 'ApiKey', 'ApiKeyStoreBackup', 'ApiKeyStoreRestore'],
  )
  for (const { places } of kinds) assert.ok(places.length > 30)
  assert.deepEqual(
    kinds.flatMap(({ places }) => places.flatMap(problemsOf)),
    [],
  )
})

test('every document is smaller than 100 KiB, so that kubectl apply can keep it in an annotation', () => {
  for (const [path, text] of crdFiles()) assert.ok(Buffer.byteLength(text) < 100 * 1024, path)
})

test('conditions and reasons are words in CamelCase, and what is said of them are sentences', () => {
  for (const name of [...Object.keys(conditionTypes), ...Object.keys(reasons)]) assert.match(name, /^[A-Z][a-zA-Z]+$/)
  const sentences = Object.values(reasons).flatMap((reason) => [
    reason.means,
    ...('todo' in reason ? [reason.todo] : []),
  ])
  for (const sentence of [...Object.values(conditionTypes), ...sentences]) assert.match(sentence, /^[A-Zs].*[.)]$/)
})
