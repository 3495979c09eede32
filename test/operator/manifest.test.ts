import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { readOperatorConfig, operatorVariables } from '../../operator/config.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Deployment {
  readonly kind: string
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          { readonly env: readonly { readonly name: string; readonly value?: string }[]; readonly image: string },
        ]
      }
    }
  }
}

test('the manifest of the operator sets variables that it knows, to values that are good', () => {
  const objects = parseAllDocuments(read('deploy/operator.yaml')).map((document) => document.toJS() as Deployment) // safe: of the kind that is asked for
  const { env } = objects.find(({ kind }) => kind === 'Deployment')!.spec.template.spec.containers[0] // safe: there is one
  const names = env.map(({ name }) => name)
  assert.ok(names.includes('LEASE_NAME'))
  assert.deepEqual(
    names.filter((name) => !(name in operatorVariables.shape)),
    [],
  )
  const config = readOperatorConfig(Object.fromEntries(env.map(({ name, value }) => [name, value])))
  assert.equal(config.PORT, 8080)
  assert.deepEqual(config.WATCH_NAMESPACES, [])
})

test('the charts are of the version of the program', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string } // safe: it has one
  for (const chart of ['tollgate', 'tollgate-store']) {
    const { appVersion } = parse(read(`charts/${chart}/Chart.yaml`)) as { appVersion: string } // safe: it has one
    assert.equal(appVersion, version, chart)
  }
})
