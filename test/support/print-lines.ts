// A process that prints lines and logs in between, faster than its reader reads: print-lines.ts COUNT.
import { setImmediate as turn } from 'node:timers/promises'
import { printLine } from '../../proxy/print-line.ts'
import { createLog } from '../../proxy/telemetry/log.ts'

const log = createLog('info', process.stdout.isTTY) // which touches the stream, as `serve` does
for (let line = 0; line < Number(process.argv[2]); line++) {
  printLine(JSON.stringify({ line, text: 'x'.repeat(700) }))
  log.info({ line }, 'y'.repeat(300))
  await turn()
}
