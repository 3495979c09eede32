import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { ensureHelm, ensureKube, ensureKubeconform } from '../../cluster/tools.ts'

const print = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' })

test('the tools know their versions', async () => {
  assert.match(print(await ensureKube(), 'kubectl', 'version', '--client'), /^Client Version: v1\.34\./)
  assert.match(print(await ensureHelm(), 'version', '--short'), /^v3\./)
  assert.match(print(await ensureKubeconform(), '-v'), /^v\d|^development/)
})
