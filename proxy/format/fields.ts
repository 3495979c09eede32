import { FormatError } from './format.ts'
import { isObject, type Json } from './json.ts'
import { type Lose, printable } from './losses.ts'

/**
 * One object of a request, read field by field: a field of a wrong type is an error, and what was never asked for is
 * lost when `close` is called. Null is the same as absent, as with both providers.
 */
export class Fields {
  /** Where the object stands, `messages[].content[]`; empty for the body. */
  readonly path: string
  private readonly object: Json
  private readonly lose: Lose
  private readonly read = new Set<string>()

  constructor(value: unknown, path: string, lose: Lose) {
    if (!isObject(value)) throw new FormatError(`${path === '' ? 'The body' : path} must be an object.`)
    this.object = value
    this.path = path
    this.lose = lose
  }

  text(name: string): string | undefined {
    return this.take(name, 'a string', (value) => typeof value === 'string')
  }

  number(name: string): number | undefined {
    return this.take(name, 'a number', (value) => typeof value === 'number')
  }

  boolean(name: string): boolean | undefined {
    return this.take(name, 'true or false', (value) => typeof value === 'boolean')
  }

  /** An object that is carried over as it is. */
  json(name: string): Json | undefined {
    return this.take(name, 'an object', isObject)
  }

  list(name: string): readonly unknown[] | undefined {
    return this.take(name, 'a list', Array.isArray)
  }

  texts(name: string): readonly string[] | undefined {
    return this.take(name, 'a list of strings', isTexts)
  }

  requiredText(name: string): string {
    return this.text(name) ?? this.miss(name)
  }

  requiredJson(name: string): Json {
    return this.json(name) ?? this.miss(name)
  }

  /** A value of any type, which is told apart by its reader. */
  any(name: string): unknown {
    this.read.add(name)
    return this.object[name] ?? undefined
  }

  /** An object in the object; it has to be closed too. */
  inner(name: string): Fields | undefined {
    const value = this.any(name)
    return value === undefined ? undefined : new Fields(value, this.pathOf(name), this.lose)
  }

  /** The objects of a list; each has to be closed. */
  each(name: string): readonly Fields[] {
    return (this.list(name) ?? []).map((value) => new Fields(value, `${this.pathOf(name)}[]`, this.lose))
  }

  /** A string, or a list of objects: the two ways in which every provider writes content. */
  textOrEach(name: string): string | readonly Fields[] {
    return typeof this.object[name] === 'string' ? (this.text(name) ?? '') : this.each(name)
  }

  /** The object cannot be carried over as a whole: its type is named, none of its content. */
  refuse(type: string): never {
    throw new FormatError(`${this.path} of type ${printable(type)} cannot be carried over to this channel.`)
  }

  /** A field that says what the other format does anyway. */
  allow(name: string, usual: unknown): void {
    if (this.object[name] === usual) this.read.add(name)
  }

  /** A field that would change the answer altogether: whoever sends it needs a channel of this very format. */
  forbid(...names: readonly string[]): void {
    for (const name of names) {
      if (this.read.has(name) || isOff(this.any(name))) continue
      throw new FormatError(`${this.pathOf(name)} cannot be carried over to this channel.`)
    }
  }

  close(): void {
    for (const [name, value] of Object.entries(this.object)) {
      if (!this.read.has(name) && !saysNothing(value)) this.lose(this.pathOf(name))
    }
  }

  private miss(name: string): never {
    throw new FormatError(`${this.pathOf(name)} is missing.`)
  }

  private take<Value>(name: string, kind: string, isKind: (value: unknown) => value is Value): Value | undefined {
    const value = this.any(name)
    if (value === undefined || isKind(value)) return value
    throw new FormatError(`${this.pathOf(name)} must be ${kind}.`)
  }

  private pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }
}

function isOff(value: unknown): boolean {
  return value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0)
}

function saysNothing(value: unknown): boolean {
  return isOff(value) || (isObject(value) && Object.keys(value).length === 0)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
