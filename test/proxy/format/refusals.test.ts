import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Format, FormatError } from '../../../proxy/format/format.ts'
import { translateRequest } from '../../../proxy/format/translate.ts'
import { formats, smallest } from './samples.ts'

const SECRET = 'sk-secret'
const part = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] })
const item = (...content: unknown[]) => ({ input: [{ role: 'user', content }] })

const program = { type: 'tool_use', id: 'c', name: 'toll', input: {}, caller: { type: 'code_execution_20260120' } }
const called = { type: 'function_call', call_id: 'c', name: 'toll', arguments: '{}' }

const refused: Readonly<Record<Format, readonly (readonly [asked: object, sentence: RegExp])[]>> = {
  messages: [
    [{ container: 'container_1' }, /^container cannot be carried over/],
    [{ mcp_servers: [{ type: 'url', url: SECRET }] }, /^mcp_servers cannot be/],
    [{ inference_geo: 'us' }, /^inference_geo cannot be/],
    [
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      /^tools\[\] of type web_search_20250305 cannot be/,
    ],
    [
      part({ type: 'image', source: { type: 'file', file_id: SECRET } }),
      /^messages\[\]\.content\[\]\.source of type file/,
    ],
    [part({ type: 'search_result', content: [] }), /^messages\[\]\.content\[\] of type search_result/],
    [{ messages: [{ role: 'assistant', content: [{ type: 'server_tool_use' }] }] }, /of type server_tool_use/],
    [{ messages: [{ role: 'assistant', content: [program] }] }, /content\[\] of type code_execution_20260120 cannot/],
    [{ messages: [{ role: 'robot', content: SECRET }] }, /^messages\[\]\.role must be/],
    [{ messages: SECRET }, /^messages must be a list\.$/],
    [{ messages: [SECRET] }, /^messages\[\] must be an object\.$/],
    [part({ type: 'text' }), /^messages\[\]\.content\[\]\.text is missing\.$/],
    [{ max_tokens: SECRET }, /^max_tokens must be a number\.$/],
    [{ stream: SECRET }, /^stream must be true or false\.$/],
    [{ stop_sequences: [1] }, /^stop_sequences must be a list of strings\.$/],
    [{ tool_choice: { type: SECRET } }, /^tool_choice\.type must be/],
    [{ output_config: { format: { type: 'grammar' } } }, /^output_config\.format of type grammar/],
  ],
  chat: [
    [{ n: 2 }, /^n cannot be carried over/],
    [{ modalities: ['text', 'audio'] }, /^modalities other than text cannot be/],
    [{ audio: { voice: SECRET } }, /^audio cannot be/],
    [{ functions: [{ name: 'f' }] }, /^functions cannot be/],
    [{ web_search_options: {} }, /^web_search_options cannot be/],
    [{ tools: [{ type: 'custom', custom: { name: 'f' } }] }, /^tools\[\] of type custom/],
    [{ tool_choice: { type: 'custom', custom: { name: 'f' } } }, /^tool_choice must be/],
    [part({ type: 'input_audio', input_audio: { data: SECRET } }), /^messages\[\]\.content\[\] of type input_audio/],
    [part({ type: 'file', file: { file_id: SECRET } }), /^messages\[\]\.content\[\]\.file\.file_id cannot be/],
    [part({ type: 'image_url', image_url: { url: `data:,${SECRET}` } }), /image_url\.url must be data:/],
    [part({ type: 'file', file: { file_data: SECRET } }), /file\.file_data must be data:/],
    [{ messages: [{ role: 'function', content: SECRET }] }, /^messages\[\]\.role must be/],
    [{ messages: [{ role: 'tool', content: SECRET }] }, /^messages\[\]\.tool_call_id is missing/],
    [{ response_format: { type: 'json_schema', json_schema: {} } }, /^response_format\.json_schema\.schema is missing/],
  ],
  responses: [
    [{ previous_response_id: 'resp_1' }, /^previous_response_id cannot be/],
    [{ conversation: { id: 'conv_1' } }, /^conversation cannot be/],
    [{ prompt: { id: 'pmpt_1' } }, /^prompt cannot be/],
    [{ background: true }, /^background cannot be/],
    [{ tools: [{ type: 'file_search', vector_store_ids: [SECRET] }] }, /^tools\[\] of type file_search/],
    [{ tools: [{ type: 'a\r\nx: y' }] }, /^tools\[\] of type a\?\?x:\?y cannot/],
    [item({ type: 'input_file', file_id: SECRET }), /^input\[\]\.content\[\]\.file_id cannot be/],
    [item({ type: 'input_file', file_data: 'JVBERi0xLjQK' }), /^input\[\]\.content\[\]\.file_data must be data:/],
    [item({ type: 'input_image', file_id: SECRET }), /^input\[\]\.content\[\]\.file_id cannot be/],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, /^input\[\] of type item_reference/],
    [{ input: [{ ...called, caller: { type: 'program', caller_id: SECRET } }] }, /^input\[\] of type program cannot/],
    [{ input: [{ ...called, namespace: 'crm' }] }, /^input\[\]\.namespace cannot/],
    [{ input: [{ type: 'web_search_call', id: 'ws_1' }] }, /^input\[\] of type web_search_call/],
    [{ input: [{ role: 'tool', content: SECRET }] }, /^input\[\]\.role must be/],
    [{ input: 7 }, /^input must be a list\.$/],
  ],
}

for (const from of formats) {
  const to = from === 'chat' ? 'messages' : 'chat'
  for (const [asked, sentence] of refused[from]) {
    test(`a request of ${from} is refused rather than bent: ${JSON.stringify(asked)}`, () => {
      assert.throws(
        () => translateRequest({ ...smallest[from], ...asked }, from, to),
        (error) => error instanceof FormatError && sentence.test(error.message) && !error.message.includes(SECRET),
      )
    })
  }

  test(`what is no object is no request of ${from}`, () => {
    for (const body of [null, [], 'x', 7]) {
      assert.throws(() => translateRequest(body, from, to), new FormatError('The body must be an object.'))
    }
  })
}

test('files that the other format has no place for are refused', () => {
  const source = (more: object) => ({ ...smallest.messages, ...part({ type: 'document', source: more }) })
  const byAddress = source({ type: 'url', url: 'https://e.com/a.pdf' })
  assert.throws(() => translateRequest(byAddress, 'messages', 'chat'), /A file by its address cannot/)
  const sheet = { type: 'file', file: { filename: 'a.xlsx', file_data: 'data:application/vnd.ms-excel;base64,AA==' } }
  assert.throws(() => translateRequest({ ...smallest.chat, ...part(sheet) }, 'chat', 'messages'), /only PDF can/)
})

test('what changes nothing is not refused', () => {
  const chat = { ...smallest.chat, n: 1, functions: [], audio: null, modalities: ['text'] }
  assert.deepEqual(translateRequest(chat, 'chat', 'messages').lost, [])
  const input = [{ ...called, caller: { type: 'direct' } }]
  const responses = {
    ...smallest.responses,
    input,
    previous_response_id: null,
    background: false,
    include: [],
    tools: [],
  }
  assert.deepEqual(translateRequest(responses, 'responses', 'messages').lost, [])
})
