import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pick } from '../../../support/dialogs.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const unmetered = { status: 'completed', http_status: 200, channel: 'openai', metering: 'unmetered', spend_tokens: 0 }

test('embeddings pass byte for byte, and the usage that they tell is recorded', async () => {
  const body = { model: 'embed-fake', input: ['eins', 'zwei'] }
  const plan = { usage: { input: 9 } }
  const [answer, direct] = await Promise.all([
    scene.ask('/v1/embeddings', { body, plan }),
    scene.direct('/v1/embeddings', { body, plan }),
  ])
  assert.deepEqual([answer.status, answer.text], [200, direct.text])
  assert.equal(scene.seen(answer.id)?.rawBody.toString(), JSON.stringify(body))
  const expected = { ...unmetered, endpoint: 'embeddings', model: 'embed-fake', metering: 'exact', spend_tokens: 9 }
  assert.deepEqual(pick(await scene.entry(answer.id), { ...expected, input_tokens: 9 }), {
    ...expected,
    input_tokens: 9,
  })
})

test('what has no usage is unmetered', async () => {
  const { id, status } = await scene.ask('/v1/moderations', { body: { input: 'Hallo' } })
  assert.equal(status, 200)
  assert.deepEqual(pick(await scene.entry(id), unmetered), unmetered)
})

test('sound passes byte for byte', async () => {
  const body = { model: 'tts-fake', voice: 'alloy', input: 'Hallo' }
  const { id, rawBody, headers } = await scene.ask('/v1/audio/speech', { body })
  assert.equal(headers['content-type'], 'audio/mpeg')
  assert.deepEqual(
    [...rawBody],
    Array.from({ length: 1024 }, (_, index) => index % 256),
  )
  assert.deepEqual(pick(await scene.entry(id), unmetered), unmetered)
})

test('a form with a file passes byte for byte', async () => {
  const bytes = Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 7) % 256))
  const head = `--x\r\ncontent-disposition: form-data; name="file"; filename="a.mp3"\r\ncontent-type: audio/mpeg\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n--x--\r\n')])
  const headers = { 'content-type': 'multipart/form-data; boundary=x' }
  const { id, status } = await scene.ask('/v1/audio/transcriptions', { body, headers })
  assert.equal(status, 200)
  const seen = scene.seen(id)
  assert.ok(seen?.rawBody.equals(body))
  assert.equal(seen?.headers['content-type'], headers['content-type'])
  assert.equal((await scene.entry(id)).metering, 'exact')
})

test('whole subtrees and single paths pass', async () => {
  const answers = await Promise.all([
    scene.ask('/v1/images/generations', { body: { prompt: 'a barrier' }, plan: { usage: { input: 3, output: 4 } } }),
    scene.ask('/v1/rerank', { body: { query: 'x', documents: ['y'] } }),
  ])
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  )
})
