import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCall } from '../../../proxy/domain/call.ts'
import { endpointOf } from '../../../proxy/domain/endpoint.ts'
import { channelsOf } from '../../../proxy/route/channel.ts'
import { choose } from '../../../proxy/route/choose.ts'

const settings = {
  ANTHROPIC_BASE_URL: 'https://api.anthropic.com',
  OPENAI_BASE_URL: 'https://api.openai.com/v1',
  ZAI_API_BASE: 'https://api.z.ai/api/coding/paas/v4',
  ZAI_ANTHROPIC_BASE: 'https://api.z.ai/api/anthropic',
}
type Vendor = 'ANTHROPIC' | 'OPENAI' | 'ZAI'
const ALL: readonly Vendor[] = ['ANTHROPIC', 'OPENAI', 'ZAI']

function target(
  path: string,
  model: string | undefined,
  vendors: readonly Vendor[],
  more: object = {},
  version?: string,
) {
  const secrets = Object.fromEntries(vendors.map((vendor) => [`${vendor}_API_KEY`, `secret-${vendor}`]))
  const [pathname = '', search = ''] = path.split(/(?=\?)/)
  const raw = {
    endpoint: endpointOf(pathname, ['embeddings'], version !== undefined),
    method: 'POST',
    search,
    headers: { 'content-type': 'application/json', ...(version && { 'anthropic-version': version }) },
    body: Buffer.from(JSON.stringify({ model })),
  }
  return choose(channelsOf({ ...settings, ...secrets, ...more }), readCall(raw, null, undefined))
}

const MESSAGES = '/v1/messages'
const CHAT = '/v1/chat/completions'
const choices: Readonly<
  Record<
    string,
    readonly [path: string, model: string | undefined, vendors: readonly Vendor[], channel: string | undefined]
  >
> = {
  'a message for claude, with every account': [MESSAGES, 'claude-x', ALL, 'anthropic'],
  'a chat for gpt, with every account': [CHAT, 'gpt-x', ALL, 'openai'],
  'a message for glm, with every account': [MESSAGES, 'glm-4.7', ALL, 'zai'],
  'a chat for glm, with every account': [CHAT, 'glm-4.7', ALL, 'zai'],
  'a chat for any model, with every account': [CHAT, 'llama', ALL, 'openai'],
  'a chat for a claude, with every account': [CHAT, 'claude-x', ALL, 'openai'],
  'a chat without a model, with every account': [CHAT, undefined, ALL, 'openai'],
  'a chat for a model that only looks like glm': [CHAT, 'my-glm-4', ALL, 'openai'],
  'a message for claude, with OpenAI and Z.ai': [MESSAGES, 'claude-x', ['OPENAI', 'ZAI'], 'zai'],
  'a chat for gpt, with Anthropic and Z.ai': [CHAT, 'gpt-x', ['ANTHROPIC', 'ZAI'], 'zai'],
  'a message for glm, without Z.ai': [MESSAGES, 'glm-4.7', ['ANTHROPIC', 'OPENAI'], 'anthropic'],
  'a message, with OpenAI alone': [MESSAGES, 'claude-x', ['OPENAI'], undefined],
  'a chat, with Anthropic alone': [CHAT, 'gpt-x', ['ANTHROPIC'], undefined],
  'a chat for glm, with Anthropic alone': [CHAT, 'glm-4.7', ['ANTHROPIC'], undefined],
  'a chat for glm, with Z.ai alone': [CHAT, 'glm-4.7', ['ZAI'], 'zai'],
  'an embedding, with every account': ['/v1/embeddings', 'text-embedding-3', ALL, 'openai'],
  'a token count for claude, with every account': ['/v1/messages/count_tokens', 'claude-x', ALL, 'anthropic'],
  'anything, without an account': [CHAT, 'gpt-x', [], undefined],
}

for (const [what, [path, model, vendors, channel]] of Object.entries(choices)) {
  test(`${what}, goes to ${channel ?? 'nobody'}`, () => {
    assert.equal(target(path, model, vendors)?.channel, channel)
  })
}

const addresses: Readonly<Record<string, readonly [path: string, more: object, origin: string, sent: string]>> = {
  'Anthropic, whose paths have the version': [MESSAGES, {}, 'https://api.anthropic.com', '/v1/messages'],
  'OpenAI, whose base URL has the version': [CHAT, {}, 'https://api.openai.com', '/v1/chat/completions'],
  'a base URL with a slash at its end': [
    CHAT,
    { OPENAI_BASE_URL: 'http://localhost:8080/v1/' },
    'http://localhost:8080',
    '/v1/chat/completions',
  ],
  'a base URL with many slashes at its end': [
    MESSAGES,
    { ANTHROPIC_BASE_URL: 'http://localhost:8080/claude///' },
    'http://localhost:8080',
    '/claude/v1/messages',
  ],
  'a base URL without a path': [
    CHAT,
    { OPENAI_BASE_URL: 'https://llm.example' },
    'https://llm.example',
    '/chat/completions',
  ],
  'a base URL with the usual port': [
    MESSAGES,
    { ANTHROPIC_BASE_URL: 'https://llm.example:443/a' },
    'https://llm.example',
    '/a/v1/messages',
  ],
  'a call with a query': [
    `${MESSAGES}?beta=true&x=%2F`,
    {},
    'https://api.anthropic.com',
    '/v1/messages?beta=true&x=%2F',
  ],
}

for (const [what, [path, more, origin, sent]] of Object.entries(addresses)) {
  test(`the address is right for ${what}`, () => {
    const found = target(path, 'some-model', ['ANTHROPIC', 'OPENAI'], more)
    assert.deepEqual([found?.origin, found?.path], [origin, sent])
  })
}

test('Z.ai has a base for each dialect', () => {
  assert.equal(target(MESSAGES, 'glm-4.7', ['ZAI'])?.path, '/api/anthropic/v1/messages')
  assert.equal(target(CHAT, 'glm-4.7', ['ZAI'])?.path, '/api/coding/paas/v4/chat/completions')
})

test("each vendor gets its own account's key in its own header", () => {
  assert.deepEqual(target(CHAT, 'gpt-x', ALL)?.headers, { authorization: 'Bearer secret-OPENAI' })
  assert.deepEqual(target(CHAT, 'glm-4.7', ALL)?.headers, { authorization: 'Bearer secret-ZAI' })
  assert.deepEqual(target(MESSAGES, 'claude-x', ALL)?.headers, {
    'x-api-key': 'secret-ANTHROPIC',
    'anthropic-version': '2023-06-01',
  })
})

test("Anthropic's version is the caller's where it says one", () => {
  assert.equal(target(MESSAGES, 'claude-x', ALL, {}, '2024-10-22')?.headers['anthropic-version'], '2024-10-22')
})
