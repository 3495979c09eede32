import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { requestIdOf } from '../../../proxy/http/request-id.ts'

const OWN = '01JGFXXXXXXXXXXXXXXXXXXXXX'

function request(id?: string): IncomingMessage {
  const req = new IncomingMessage(new Socket())
  if (id !== undefined) req.headers['x-request-id'] = id
  return req
}

for (const id of ['a', 'req_01H', '4bf92f35-77b3-4da6', 'trace:a/b+c=.', 'x'.repeat(128)]) {
  test(`the caller's request id ${id.slice(0, 30)} is kept`, () => assert.equal(requestIdOf(request(id), OWN), id))
}

for (const id of ['', ' ', 'a b', 'x'.repeat(129), 'a\nb', 'a"b', '<script>', 'é', 'a\u0000', 'a\n']) {
  test(`${JSON.stringify(id.slice(0, 30))} does not get into the log: our own id takes its place`, () => {
    assert.equal(requestIdOf(request(id), OWN), OWN)
  })
}

test('a request without an id has ours', () => assert.equal(requestIdOf(request(), OWN), OWN))
