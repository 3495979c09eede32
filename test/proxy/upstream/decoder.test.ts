import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { decoderFor } from '../../../proxy/upstream/decoder.ts'

const packers = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  GZIP: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
}

for (const [encoding, pack] of Object.entries(packers)) {
  test(`an answer that comes as ${encoding} is unpacked`, async () => {
    const decoder = decoderFor(encoding) ?? assert.fail('no decoder')
    decoder.end(pack('Schlagbaum'))
    assert.equal(Buffer.concat(await decoder.toArray()).toString(), 'Schlagbaum')
  })
}

test('an answer in no encoding, or in one that nobody knows, passes as it is', () => {
  for (const encoding of [undefined, 'identity', 'compress']) assert.equal(decoderFor(encoding), undefined)
})
