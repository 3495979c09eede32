import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readReport } from '../../../operator/observe/report.ts'

const nothing = { schema: undefined, pending: undefined, error: undefined }

const cases: readonly (readonly [what: string, text: string | undefined, report: object | undefined])[] = [
  ['a migration', '{"location":"db","from":7,"to":8,"ran":["0008-x"]}\n', { ...nothing, schema: '8' }],
  ['a look', '{"from":7,"to":8,"pending":["0008-x"]}', { ...nothing, schema: '8', pending: ['0008-x'] }],
  [
    'a failure',
    '{"error":{"code":"schema_too_new","message":"Install the newer version."}}',
    { ...nothing, error: { code: 'schema_too_new', message: 'Install the newer version.' } },
  ],
  ['the end of a log', 'Error: something broke\n    at main', undefined],
  ['some other JSON', '[1]', undefined],
  ['no words', '', undefined],
  ['no container', undefined, undefined],
]

for (const [what, text, report] of cases) {
  test(`the last words of ${what} are understood`, () => assert.deepEqual(readReport(text), report))
}
