import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

/** The process of a pod, which has the pod's name as that of its host. */
export function processOf(pod: string): number {
  assert.ok(pod)
  const found = readdirSync('/proc').find(
    (entry) => /^\d+$/.test(entry) && environmentOf(entry).includes(`HOSTNAME=${pod}`),
  )
  assert.ok(found, `the process of ${pod}`)
  return Number(found)
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return [] // it has ended meanwhile
  }
}
