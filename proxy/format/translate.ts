import { codecs } from './codec.ts'
import { type AnswerContext, type Format, FormatError } from './format.ts'
import { isObject, type Json } from './json.ts'
import { createLosses, type Field, fieldName, type Lose } from './losses.ts'
import { readErrorBody, writeErrorBody } from './upstream-error.ts'

/** A body in the other format, and the names (never values) of what it could not carry. */
export interface Translation {
  readonly body: Json
  readonly lost: readonly string[]
}

/**
 * A caller's request in the format of the upstream. Its `model` is already the upstream's: what may be asked of a Claude
 * depends on its version. Throws FormatError, whose sentence is for the caller, for what is
 * no request of `from` and for what cannot be asked of `to` at all: the caller gets a 400 rather than a wrong answer.
 */
export function translateRequest(body: unknown, from: Format, to: Format): Translation {
  const { lose, names } = createLosses()
  const turn = codecs[from].readRequest(body, lose)
  const written = codecs[to].writeRequest(turn, namedFor(from, lose))
  if (to === 'messages') {
    for (const [name, value] of Object.entries(turn.shared)) if (value !== false) lose(name)
  }
  return { body: written, lost: names() }
}

/** An upstream's answer in the format of the caller. Throws FormatError for what is no answer of `from`. */
export function translateAnswer(body: unknown, from: Format, to: Format, context: AnswerContext): Translation {
  if (!isObject(body)) throw new FormatError('The answer of the upstream is no object.')
  const { lose, names } = createLosses()
  const answer = codecs[from].readAnswer(body, lose)
  return { body: codecs[to].writeAnswer(answer, context, namedFor(from, lose)), lost: names() }
}

/** The body of an upstream's error, whatever it is, in the format of the caller; the status stays what it was. */
export function translateError(status: number, text: string, to: Format): Json {
  return writeErrorBody(readErrorBody(status, text), to)
}

/** What a writer loses has the name that it had where it came from. */
export function namedFor(from: Format, lose: Lose): (field: Field) => void {
  return (field) => {
    const name = fieldName(field, from)
    if (name !== undefined) lose(name)
  }
}
