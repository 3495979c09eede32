import * as fc from 'fast-check'

const anyCharacter = fc
  .oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point))

/** Out of every corner of Unicode, as `unit: 'binary'`, which lists all of it first and takes half a second to. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.array(anyCharacter, { maxLength }).map((characters) => characters.join(''))
}
