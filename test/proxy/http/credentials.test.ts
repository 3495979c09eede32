import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { json } from '../../support/ask.ts'
import { chat, message } from '../../support/dialogs.ts'
import { until } from '../../support/gateway.ts'
import { startScene } from '../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const key = scene.adminKey

const places: readonly (readonly [where: string, headers: Record<string, string>, query?: string])[] = [
  ['Authorization: Bearer', { authorization: `Bearer ${key}` }],
  ['Authorization: bearer', { authorization: `bearer ${key}` }],
  ['Authorization: BEARER with blanks', { authorization: `  BEARER \t ${key}  ` }],
  ['Authorization without Bearer', { authorization: key }],
  ['x-api-key', { 'x-api-key': key }],
  ['x-api-key with blanks', { 'x-api-key': `  ${key} ` }],
  ['?api_key=', {}, `?api_key=${key}`],
  ['Authorization before x-api-key', { authorization: `Bearer ${key}`, 'x-api-key': 'tg_no_such_key' }],
  ['x-api-key before the query', { 'x-api-key': key }, '?api_key=tg_no_such_key'],
]
for (const [where, headers, query = ''] of places) {
  test(`a key is found in ${where}, and never sent on`, async () => {
    const answers = await Promise.all([
      scene.ask(`/v1/messages${query}`, { key: null, headers, body: message }),
      scene.ask(`/v1/chat/completions${query}`, { key: null, headers, body: chat }),
    ])
    for (const { id, status } of answers) {
      assert.equal(status, 200)
      const seen = scene.seen(id)
      assert.ok(!JSON.stringify([seen?.headers, seen?.query]).includes(key))
      assert.ok(!JSON.stringify(seen?.headers).includes('no_such_key'))
    }
    const [anthropic, openai] = answers.map(({ id }) => scene.seen(id)?.headers)
    assert.deepEqual([anthropic?.['x-api-key'], anthropic?.authorization], ['upstream-anthropic-secret', undefined])
    assert.deepEqual([openai?.authorization, openai?.['x-api-key']], ['Bearer upstream-openai-secret', undefined])
  })
}

const queries: readonly (readonly [sent: string, seen: string])[] = [
  ['', ''],
  ['?beta=true', '?beta=true'],
  [`?api_key=${key}`, ''],
  [`?beta=true&api_key=${key}`, '?beta=true'],
  [`?api_key=${key}&beta=true`, '?beta=true'],
  [`?a=%20+%2B&api_key=${key}&b&c==&d=%C3%BC&a=2`, '?a=%20+%2B&b&c==&d=%C3%BC&a=2'],
  [`?api%5Fkey=${key}&b=1`, '?b=1'],
  ['?key=a-key-for-google&b=1', '?b=1'],
  [`?api_key=${key}&api_key=${key}`, ''],
  ['?my_api_key=1&api_keys=2&keys=3', '?my_api_key=1&api_keys=2&keys=3'],
  ['?a=1&&b=2', '?a=1&&b=2'],
]
test('a query is sent on with every byte but the keys', async () => {
  await Promise.all(
    queries.map(async ([sent, expected]) => {
      const { id, status } = await scene.ask(`/v1/messages${sent}`, { body: message })
      assert.equal(status, 200)
      assert.equal(scene.seen(id)?.query, expected, sent)
    }),
  )
})

test('a key in a query alone is blank or unknown like any other', async () => {
  const [blank, unknown, google] = await Promise.all([
    scene.ask('/v1/messages?api_key=', { key: null, body: message }),
    scene.ask('/v1/messages?api_key=tg_no_such_key', { key: null, body: message }),
    scene.ask(`/v1/messages?key=${key}`, { key: null, body: message }),
  ])
  assert.deepEqual(
    [blank, unknown, google].map(({ text }) => json(text)['code']),
    ['key_blank', 'key_invalid', 'key_missing'],
  )
})

test('neither keys nor prompts nor queries stand in the log', async () => {
  const secret = 'ein-geheimnis-aus-dem-prompt'
  const broken = await scene.ask(`/v1/messages?api_key=${key}&q=${secret}`, {
    key: null,
    body: { ...message, system: secret },
    plan: { hangUp: true },
  })
  const refused = await scene.ask(`/v1/messages?q=${secret}`, { body: `{"system":"${secret}"`, key: secret })
  await until('both refusals', () =>
    [broken, refused].every(({ id }) => scene.gateway.log.some(({ requestId }) => requestId === id)),
  )
  const log = JSON.stringify(scene.gateway.log) + scene.gateway.stderr()
  assert.ok(log.includes('upstream_broken'))
  for (const word of [key, secret, 'upstream-anthropic-secret']) assert.ok(!log.includes(word), word)
})
