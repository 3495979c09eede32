import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKeys } from '../../../proxy/secrets/parse-keys.ts'

const BYTES = Buffer.from(Array.from({ length: 32 }, (_, place) => 255 - place * 8))
const OTHER = Buffer.alloc(32, 7)
const HEX = BYTES.toString('hex')

const good: Readonly<Record<string, readonly [list: string, keys: readonly Buffer[]]>> = {
  'hexadecimal digits': [HEX, [BYTES]],
  'large hexadecimal digits': [HEX.toUpperCase(), [BYTES]],
  base64: [BYTES.toString('base64'), [BYTES]],
  'base64 without its padding': [BYTES.toString('base64').replace('=', ''), [BYTES]],
  base64url: [BYTES.toString('base64url'), [BYTES]],
  'several, with spaces around them': [` ${HEX} , ${OTHER.toString('base64')}\n`, [BYTES, OTHER]],
}

for (const [what, [list, keys]] of Object.entries(good)) {
  test(`encryption keys may be ${what}`, () => assert.deepEqual(parseKeys(list), { kind: 'keys', keys }))
}

const FORM = 'must be 32 bytes in base64 or hexadecimal digits; openssl rand -base64 32 makes one'
const bad: Readonly<Record<string, readonly [list: string, problem: string]>> = {
  nothing: ['', `the key ${FORM}`],
  'a passphrase': ['correct horse battery staple, by far', `key 1 of 2 ${FORM}`],
  'a byte too few': [BYTES.subarray(1).toString('hex'), `the key ${FORM}`],
  'a byte too many': [Buffer.alloc(33, 1).toString('base64'), `the key ${FORM}`],
  'a comma at the end': [`${HEX},`, `key 2 of 2 ${FORM}`],
  'a key in quotes': [`"${HEX}"`, `the key ${FORM}`],
  'a key twice': [`${HEX},${BYTES.toString('base64')}`, 'key 2 of 2 is there twice'],
}

for (const [what, [list, problem]] of Object.entries(bad)) {
  test(`encryption keys are not ${what}, and the sentence quotes nothing`, () =>
    assert.deepEqual(parseKeys(list), { kind: 'problem', problem }))
}
