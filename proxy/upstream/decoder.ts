import {
  type BrotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  type Gunzip,
  type Inflate,
} from 'node:zlib'

export type Decoder = BrotliDecompress | Gunzip | Inflate

/** For upstreams that compress although they were asked not to. Undefined for what we do not know: it is passed on as it is. */
export function decoderFor(encoding: string | string[] | undefined): Decoder | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      return undefined
  }
}
