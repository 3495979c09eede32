import type { Transform } from 'node:stream'
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

/** Of a body that is cut off, what has come is given out; without it its last piece would be lost. */
const CUT = { finishFlush: constants.Z_SYNC_FLUSH }
const CUT_BROTLI = { finishFlush: constants.BROTLI_OPERATION_FLUSH }

/** For upstreams that compress although they were asked not to. Undefined for what we do not know: it is passed on as it is. */
export function decoderFor(encoding: string | string[] | undefined): Transform | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(CUT)
    case 'deflate':
      return createInflate(CUT)
    case 'br':
      return createBrotliDecompress(CUT_BROTLI)
    default:
      return undefined
  }
}
