import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../../support/ask.ts'
import { message } from '../../../support/dialogs.ts'
import { until } from '../../../support/gateway.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const missing = 'API key required. Use Authorization: Bearer <key> or x-api-key: <key>'
const blank = 'API key cannot be empty'
const unknown = 'Invalid API key'

const refusals: readonly (readonly [what: string, headers: Record<string, string>, error: string, code: string])[] = [
  ['no key', {}, missing, 'key_missing'],
  ['an empty Authorization', { authorization: '' }, blank, 'key_blank'],
  ['Bearer and nothing', { authorization: 'Bearer' }, blank, 'key_blank'],
  ['Bearer and blanks', { authorization: 'bEaReR   ' }, blank, 'key_blank'],
  ['a blank x-api-key', { 'x-api-key': '  ' }, blank, 'key_blank'],
  ['an unknown key', { authorization: 'Bearer tg_no_such_key' }, unknown, 'key_invalid'],
  ['an unknown x-api-key', { 'x-api-key': 'tg_no_such_key' }, unknown, 'key_invalid'],
  ['two words', { authorization: 'Bearer tg_no such' }, unknown, 'key_invalid'],
  ['another scheme', { authorization: 'Basic YWxpY2U6c2VjcmV0' }, unknown, 'key_invalid'],
  ['a key that is not ASCII', { 'x-api-key': 'tg_schlüssel_schlüssel' }, unknown, 'key_invalid'],
  ['a tab within the key', { 'x-api-key': 'tg_no\tsuch' }, unknown, 'key_invalid'],
  ['an endless key', { 'x-api-key': 'k'.repeat(8000) }, unknown, 'key_invalid'],
  [
    'the unknown before a good one',
    { authorization: 'tg_no_such_key', 'x-api-key': scene.adminKey },
    unknown,
    'key_invalid',
  ],
]
for (const [what, headers, error, code] of refusals) {
  test(`a message with ${what} is refused before its body is read`, async () => {
    const { id, status, text, ...answer } = await scene.ask('/v1/messages', { key: null, headers, body: message })
    assert.equal(status, 401)
    assert.deepEqual(json(text), { type: 'error', error, code, message: error, request_id: id })
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.headers['x-request-id'], id)
    assert.equal(scene.seen(id), undefined)
  })
}

test('a revoked key is refused within a moment, and for good', async () => {
  const { key, name } = await scene.home.createKey()
  assert.equal((await scene.ask('/v1/messages', { key, body: message })).status, 200)
  assert.equal((await scene.home.command(['keys', 'revoke', name])).status, 0)
  const refused = await until('a refusal', async () => {
    const answer = await scene.ask('/v1/messages', { key, body: message })
    return answer.status !== 200 && answer
  })
  assert.equal(refused.status, 401)
  const sentence = 'This API key was revoked; ask your administrator for a new one.'
  assert.deepEqual(json(refused.text), {
    type: 'error',
    error: { type: 'authentication_error', message: sentence },
    code: 'key_revoked',
    message: sentence,
    request_id: refused.id,
  })
})

test('a key that was unknown a moment ago is known as soon as it is made', async () => {
  const guess = await scene.ask('/v1/messages', { key: 'tg_not_yet', body: message })
  assert.equal(guess.status, 401)
  const { key } = await scene.home.createKey()
  assert.equal((await scene.ask('/v1/messages', { key, body: message })).status, 200)
})

test('after a rotation the new secret opens, the old one does not, and the window goes on', async () => {
  const { key, name } = await scene.home.createKey(['--token-limit', '1000'])
  await scene.ask('/v1/messages', { key, body: message })
  const { stdout } = await scene.home.command(['keys', 'rotate', name, '--json'])
  const rotated = String(json(stdout)['key'])
  assert.notEqual(rotated, key)
  const refused = await until('the old secret is refused', async () => {
    const answer = await scene.ask('/v1/messages', { key, body: message })
    return answer.status !== 200 && answer
  })
  assert.deepEqual([refused.status, json(refused.text)['error']], [401, unknown])
  const { status } = await scene.ask('/v1/messages', { key: rotated, body: message })
  assert.equal(status, 200)
  const stats = await scene.stats(rotated)
  assert.ok(Number(stats['total_lifetime_tokens']) >= 150)
})
