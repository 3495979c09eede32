import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Endpoint, endpointOf, isNamed, isPlainPath } from '../../../proxy/domain/endpoint.ts'

const PASSTHROUGH = ['embeddings', 'images/*']

type Seen = Pick<Endpoint, 'label' | 'protocol' | 'dialect' | 'isOpen'>
const openai = { dialect: 'openai', protocol: 'opaque' } as const
const closed: Seen = { ...openai, label: 'other', isOpen: false }

const paths: Readonly<Record<string, Seen>> = {
  '/v1/messages': { label: 'messages', protocol: 'messages', dialect: 'anthropic', isOpen: true },
  '/v1/messages/count_tokens': {
    label: 'messages/count_tokens',
    protocol: 'opaque',
    dialect: 'anthropic',
    isOpen: true,
  },
  '/v1/chat/completions': { label: 'chat/completions', protocol: 'chat', dialect: 'openai', isOpen: true },
  '/v1/completions': { label: 'completions', protocol: 'completions', dialect: 'openai', isOpen: true },
  '/v1/responses': { label: 'responses', protocol: 'responses', dialect: 'openai', isOpen: true },
  '/v1/models': { ...openai, label: 'models', isOpen: true },
  '/v1/models/gpt-5': { ...openai, label: 'models', isOpen: true },
  '/v1/embeddings': { ...openai, label: 'embeddings', isOpen: true },
  '/v1/images/generations': { ...openai, label: 'images/*', isOpen: true },
  '/v1/images/a/b': { ...openai, label: 'images/*', isOpen: true },
  '/v1/messages/batches': { ...closed, dialect: 'anthropic' },
  '/v1/responses/resp_1': closed,
  '/v1/files': closed,
  '/v1/batches': closed,
  '/v1/models/': closed,
  '/v1/models/a/b': closed,
  '/v1/embeddings/': closed,
  '/v1/embeddings2': closed,
  '/v1/imagesque': closed,
  '/v1/images': closed,
  '/v1/Messages': closed,
  '/v1/MESSAGES': closed,
  '/v1/messages ': closed,
  '/v1/mеssages': closed, // with a Cyrillic е
  '/v1/%6dessages': closed,
  '/v1/__proto__': closed,
  '/v1/constructor': closed,
  '/v1/': closed,
}

for (const [path, seen] of Object.entries(paths)) {
  test(`${JSON.stringify(path)} is ${seen.isOpen ? `open, as ${seen.label}` : 'not open by default'}`, () => {
    const { label, protocol, dialect, isOpen } = endpointOf(path, PASSTHROUGH, false)
    assert.deepEqual({ label, protocol, dialect, isOpen }, seen)
    assert.equal(endpointOf(path, PASSTHROUGH, false).path, path)
  })
}

test('models are listed in the dialect of the caller', () => {
  assert.equal(endpointOf('/v1/models', [], true).dialect, 'anthropic')
  assert.equal(endpointOf('/v1/models/claude', [], true).dialect, 'anthropic')
  assert.equal(endpointOf('/v1/embeddings', PASSTHROUGH, true).dialect, 'openai')
})

test('a call is posted, models are got, and what an administrator opens takes any method', () => {
  assert.deepEqual(endpointOf('/v1/messages', [], false).methods, ['POST'])
  assert.deepEqual(endpointOf('/v1/embeddings', PASSTHROUGH, false).methods, ['POST'])
  assert.deepEqual(endpointOf('/v1/models', [], false).methods, ['GET'])
  assert.deepEqual(endpointOf('/v1/files/f1', [], false).methods, [])
})

test('what a caller makes up never becomes a label', () => {
  for (const path of ['/v1/anything', '/v1/models/made-up', '/v1/images/made-up']) {
    assert.ok(['other', 'models', 'images/*'].includes(endpointOf(path, PASSTHROUGH, false).label))
  }
})

test('the name of a single model is that of all models, so that a key may be given them together', () => {
  assert.equal(endpointOf('/v1/models/gpt-5', [], false).name, 'models')
  assert.equal(endpointOf('/v1/files/f1', [], false).name, 'files/f1')
})

test('a list of names takes an endpoint by its whole name or by a subtree', () => {
  assert.equal(isNamed('files/f1', ['messages', 'files/*']), true)
  assert.equal(isNamed('files', ['files/*']), false)
  assert.equal(isNamed('files', ['files']), true)
  assert.equal(isNamed('files/f1', ['files']), false)
  assert.equal(isNamed('anything/at/all', ['*']), true)
  assert.equal(isNamed('messages', []), false)
})

const plain = [
  '/v1/messages',
  '/v1/models/claude-sonnet-4.5',
  '/v1/models/...',
  '/v1/models/a..b',
  '/v1/models/.hidden',
  '/v1/models/anthropic%3Aclaude',
  '/v1/models/%C3%A9',
  '/v1/models/%20',
  '/v1/models/~a-b_c.d',
  '/v1/models/%F0%9F%98%80',
]
const crooked = [
  '//v1/messages',
  '/v1//messages',
  '/v1/messages//',
  '/v1/./messages',
  '/v1/../admin',
  '/v1/images/..',
  '/v1/images/.',
  '/v1/images/%2e%2e/files',
  '/v1/images/%2E%2E/files',
  '/v1/images/.%2e/files',
  '/v1/images/%2e./files',
  '/v1/images%2ffiles',
  '/v1/images%2Ffiles',
  '/v1/images%5c..%5cfiles',
  '/v1/images%5Cfiles',
  '/v1/images\\..\\files',
  '/v1/images/%252e%252e/files',
  '/v1/images/%00',
  '/v1/images/%0d%0aHost:x',
  '/v1/images/%1b',
  '/v1/images/a\u0000b',
  '/v1/images/a\nb',
  '/v1/images/a\u0085b',
]

for (const path of plain) test(`${path} can be read in one way only`, () => assert.equal(isPlainPath(path), true))
for (const path of crooked) {
  test(`${JSON.stringify(path)} could be read as another path`, () => assert.equal(isPlainPath(path), false))
}
