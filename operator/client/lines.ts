/** Lines of a stream, without their ends. What follows the last newline was cut off, and is not a line. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<string> {
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      held.push(chunk.subarray(start, end))
      const line = Buffer.concat(held).toString()
      held = []
      heldBytes = 0
      start = end + 1
      if (line !== '') yield line
    }
    if (start === chunk.length) continue
    held.push(chunk.subarray(start))
    heldBytes += chunk.length - start
    if (heldBytes > maxBytes) throw new Error(`A line is longer than ${maxBytes} bytes.`)
  }
}

const NEWLINE = 0x0a
