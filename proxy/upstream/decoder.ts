import {
  type BrotliDecompress,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  type Gunzip,
  type Inflate,
  type ZstdDecompress,
} from 'node:zlib'

export type Decoder = BrotliDecompress | Gunzip | Inflate | ZstdDecompress

/** For upstreams that compress although they were asked not to. Undefined for what we do not know: it is passed on as it is. */
export function decoderFor(encoding: string | string[] | undefined): Decoder | undefined {
  switch (String(encoding).toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress()
    default:
      return undefined
  }
}
