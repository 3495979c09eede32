import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'node:test'

const PRINTER = new URL('../support/print-lines.ts', import.meta.url).pathname
const LINES = 1500 // several times what a pipe holds

test('no line is torn, however slowly standard output is read and whatever is logged meanwhile', async () => {
  const child = spawn(process.execPath, [PRINTER, String(LINES)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) {
    text += String(chunk)
    await pause(20)
  }
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly line: number; readonly msg?: string })
  const numbersOf = (isLogged: boolean): number[] =>
    lines.flatMap(({ line, msg }) => (isLogged === (msg !== undefined) ? [line] : []))
  const all = Array.from({ length: LINES }, (_, line) => line)
  assert.deepEqual([numbersOf(false), numbersOf(true)], [all, all])
})
