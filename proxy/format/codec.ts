import type { Answer, StreamReader, StreamWriter } from './answer.ts'
import { readChatAnswer, writeChatAnswer } from './chat-answer.ts'
import { readChatRequest } from './chat-read-request.ts'
import { ChatStreamReader } from './chat-read-stream.ts'
import { writeChatRequest } from './chat-write-request.ts'
import { createChatWriter } from './chat-write-stream.ts'
import type { AnswerContext, Format, StreamContext } from './format.ts'
import type { Json } from './json.ts'
import type { Field, Lose } from './losses.ts'
import { readMessagesAnswer, writeMessagesAnswer } from './messages-answer.ts'
import { readMessagesRequest } from './messages-read-request.ts'
import { MessagesStreamReader } from './messages-read-stream.ts'
import { writeMessagesRequest } from './messages-write-request.ts'
import { createMessagesWriter } from './messages-write-stream.ts'
import { readResponsesAnswer, writeResponsesAnswer } from './responses-answer.ts'
import { readResponsesRequest } from './responses-read-request.ts'
import { ResponsesStreamReader } from './responses-read-stream.ts'
import { writeResponsesRequest } from './responses-write-request.ts'
import { createResponsesWriter } from './responses-write-stream.ts'
import type { Turn } from './turn.ts'

/** One format, read and written. Readers name what they leave behind, writers what they have no place for. */
export interface Codec {
  readRequest(body: unknown, lose: Lose): Turn
  writeRequest(turn: Turn, lose: (field: Field) => void): Json
  readAnswer(body: Json, lose: Lose): Answer
  writeAnswer(answer: Answer, context: AnswerContext, lose: (field: Field) => void): Json
  createReader(lose: Lose): StreamReader
  createWriter(context: StreamContext, lose: (field: Field) => void): StreamWriter
}

export const codecs: Readonly<Record<Format, Codec>> = {
  messages: {
    readRequest: readMessagesRequest,
    writeRequest: writeMessagesRequest,
    readAnswer: readMessagesAnswer,
    writeAnswer: writeMessagesAnswer,
    createReader: (lose) => new MessagesStreamReader(lose),
    createWriter: createMessagesWriter,
  },
  chat: {
    readRequest: readChatRequest,
    writeRequest: writeChatRequest,
    readAnswer: readChatAnswer,
    writeAnswer: writeChatAnswer,
    createReader: (lose) => new ChatStreamReader(lose),
    createWriter: createChatWriter,
  },
  responses: {
    readRequest: readResponsesRequest,
    writeRequest: writeResponsesRequest,
    readAnswer: readResponsesAnswer,
    writeAnswer: writeResponsesAnswer,
    createReader: (lose) => new ResponsesStreamReader(lose),
    createWriter: createResponsesWriter,
  },
}
