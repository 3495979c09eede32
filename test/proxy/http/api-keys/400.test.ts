import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

for (const query of ['limit=0', 'limit=1001', 'limit=many', 'offset=-1', 'state=gone', 'model=', 'colour=red']) {
  test(`a list of keys with ${query} is refused, and the parameter is named`, async () => {
    const { status, text } = await scene.ask(`/api/keys?${query}`)
    const { code, details } = json(text)
    assert.deepEqual([status, code], [400, 'request_invalid'])
    const [detail] = details as readonly { readonly field: string }[] // safe: compared
    assert.equal(detail?.field, query.split('=')[0])
  })
}
