import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { z } from 'zod'
import { apiKeySpec } from '../../../operator/api/api-key.ts'
import { apiKeyStoreBackupSpec } from '../../../operator/api/api-key-store-backup.ts'
import { apiKeyStoreRestoreSpec } from '../../../operator/api/api-key-store-restore.ts'
import { apiKeyStoreSpec } from '../../../operator/api/api-key-store.ts'
import { customResourceDefinitions } from '../../../operator/api/crd.ts'
import { trials } from './manifests.ts'
import { type Manifest, manifestOf, type Trial } from './trial.ts'

const EXAMPLES = new URL('../../../crds/examples', import.meta.url).pathname

const specs: Readonly<Record<string, z.ZodType>> = {
  ApiKeyStore: apiKeyStoreSpec,
  ApiKey: apiKeySpec,
  ApiKeyStoreBackup: apiKeyStoreBackupSpec,
  ApiKeyStoreRestore: apiKeyStoreRestoreSpec,
}

/** What the parse says of the spec; empty where it is good. */
function saidOf(trial: Trial, patch: Trial['accepted']): string {
  const { error } = specs[trial.kind]?.safeParse(manifestOf(trial, patch).spec) ?? assert.fail(trial.kind)
  return (error?.issues ?? []).map(({ path, message }) => `spec.${path.join('.')}: ${message}`).join('\n')
}

test('the parse accepts and refuses what the API server does, in the same words', () => {
  for (const trial of trials) {
    const { kind, message, before, accepted, refused } = trial
    assert.equal(saidOf(trial, accepted), '', `${kind}: ${message}`)
    const isBeyondTheSpec = before !== undefined || 'metadata' in refused
    assert.equal(saidOf(trial, refused).includes(message), !isBeyondTheSpec, `${kind}: ${message}`)
  }
})

test('every rule of the documents has a manifest that it accepts and one that it refuses', () => {
  for (const definition of customResourceDefinitions().values()) {
    const { kind } = (definition['spec'] as { names: { kind: string } }).names // safe: documents of our own
    const tried = trials.filter((trial) => trial.kind === kind && !trial.message.startsWith('spec.'))
    assert.deepEqual(tried.map(({ message }) => message).toSorted(), messagesIn(definition).toSorted(), kind)
  }
})

test('the examples are read as they are written', () => {
  const examples = globSync(`${EXAMPLES}/*.yaml`).map((path) => parse(readFileSync(path, 'utf8')) as Manifest) // safe: ours
  for (const { kind, metadata, spec } of examples) {
    assert.partialDeepStrictEqual(specs[kind]?.parse(spec), spec, metadata.name)
  }
  assert.deepEqual([...new Set(examples.map(({ kind }) => kind))].toSorted(), Object.keys(specs).toSorted())
})

function messagesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, below]) =>
    name === 'x-kubernetes-validations'
      ? (below as readonly { message: string }[]).map(({ message }) => message) // safe: documents of our own
      : messagesIn(below),
  )
}
