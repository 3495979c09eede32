import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/**
 * A TCP proxy with faults that are switched while it runs. There is one fault at a time: the next replaces it. It holds
 * for the connections that exist and for new ones, until healed.
 */
export interface FaultProxy {
  readonly port: number
  /** Both directions are late by so much. What is held when the fault ends goes out at once. */
  delay(ms: number): void
  /** A black hole: nothing arrives, no connection ends. Connections that lost something are reset when it is healed. */
  drop(): void
  /** All connections are reset, new ones as soon as they are there. */
  refuse(): void
  /** Only so many bytes of a connection's next answers pass, then it is reset. */
  truncate(bytes: number): void
  /**
   * The server hears the client, and the client is reset in place of the server's answer. With `matching`, only where
   * this text was in what the client has sent since; it cannot be seen under TLS.
   */
  cutAnswers(matching?: string): void
  heal(): void
  /** How many clients are connected. */
  connections(): number
  close(): Promise<void>
}

type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'cut'; readonly matching: string }

interface Link {
  readonly client: Socket
  readonly server: Socket
  /** Something vanished, so that what follows would make no sense to whom it goes to. */
  hasLost: boolean
  /** How many bytes of answers have passed since the fault began. */
  answered: number
  /** Of what the client has sent since the fault began, enough to find the text of a cut. */
  sent: string
}

/** What may wait in one direction of one connection before its sender has to. */
const MAX_HELD_BYTES = 1 << 20

export async function startFaultProxy(target: { readonly host?: string; readonly port: number }): Promise<FaultProxy> {
  const links = new Set<Link>()
  let fault: Fault = { kind: 'none' }
  let faultEnds = new AbortController()

  function begin(next: Fault): void {
    fault = next
    faultEnds.abort()
    faultEnds = new AbortController()
    for (const link of links) {
      Object.assign(link, { answered: 0, sent: '' })
      if (next.kind === 'refuse' || (link.hasLost && next.kind !== 'drop')) reset(link)
    }
  }

  async function held(): Promise<void> {
    if (fault.kind !== 'delay') return
    await wait(fault.ms, undefined, { signal: faultEnds.signal }).catch(() => undefined) // the end of the fault ends the wait
  }

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = new Socket({ allowHalfOpen: true }).setNoDelay()
    const link: Link = { client, server, hasLost: fault.kind === 'drop', answered: 0, sent: '' }
    links.add(link)
    pump(client, held, (chunk) => passRequest(link, fault, chunk))
    pump(server, held, (chunk) => passAnswer(link, fault, chunk))
    for (const socket of [client, server]) {
      socket.on('error', () => undefined) // 'close' follows, and says that there was an error
      socket.on('close', (hadError) => {
        if (client.destroyed && server.destroyed) links.delete(link)
        if (fault.kind === 'drop') link.hasLost = true
        else if (hadError) reset(link)
      })
    }
    if (fault.kind === 'refuse') reset(link)
    else if (!link.hasLost) server.connect({ host: target.host ?? '127.0.0.1', port: target.port })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  return {
    port: (listener.address() as AddressInfo).port, // safe: it listens on TCP
    delay: (ms) => begin({ kind: 'delay', ms }),
    drop: () => begin({ kind: 'drop' }),
    refuse: () => begin({ kind: 'refuse' }),
    truncate: (bytes) => begin({ kind: 'truncate', bytes }),
    cutAnswers: (matching = '') => begin({ kind: 'cut', matching }),
    heal: () => begin({ kind: 'none' }),
    connections: () => [...links].filter(({ client }) => !client.destroyed).length,
    async close() {
      begin({ kind: 'refuse' })
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }
}

/** Hands on what comes from a socket: in order, each piece once it is due, and last undefined for the end. */
function pump(from: Socket, due: () => Promise<void>, pass: (chunk: Buffer | undefined) => Promise<void> | void): void {
  let passed = Promise.resolve()
  let heldBytes = 0

  async function passNext(chunk: Buffer | undefined, isDue: Promise<void>, before: Promise<void>): Promise<void> {
    await before
    await isDue
    await pass(chunk)
    heldBytes -= chunk?.length ?? 0
    if (heldBytes < MAX_HELD_BYTES) from.resume()
  }

  from.on('data', (chunk: Buffer) => {
    heldBytes += chunk.length
    if (heldBytes >= MAX_HELD_BYTES) from.pause()
    passed = passNext(chunk, due(), passed)
  })
  from.on('end', () => {
    passed = passNext(undefined, due(), passed)
  })
}

function passRequest(link: Link, fault: Fault, chunk: Buffer | undefined): Promise<void> | void {
  if (fault.kind === 'drop') {
    link.hasLost = true
    return
  }
  if (fault.kind === 'cut' && chunk && !link.sent.includes(fault.matching)) {
    link.sent += chunk.toString('latin1')
    if (!link.sent.includes(fault.matching)) link.sent = link.sent.slice(-fault.matching.length)
  }
  return write(link.server, chunk)
}

async function passAnswer(link: Link, fault: Fault, chunk: Buffer | undefined): Promise<void> {
  if (fault.kind === 'drop') {
    link.hasLost = true
  } else if (fault.kind === 'cut' && link.sent.includes(fault.matching)) {
    sever(link)
  } else if (fault.kind === 'truncate' && chunk) {
    const left = Math.max(0, fault.bytes - link.answered)
    link.answered += chunk.length
    await write(link.client, chunk.subarray(0, left))
    if (chunk.length >= left) sever(link)
  } else {
    await write(link.client, chunk)
  }
}

/** Resolves when it is written and when it cannot be: a socket that has failed says so by itself. */
function write(socket: Socket, chunk: Buffer | undefined): Promise<void> | void {
  if (chunk) return new Promise((resolve) => socket.write(chunk, () => resolve()))
  socket.end()
}

/** Resets the client, while the server still reads all that the client had sent. */
function sever({ client, server }: Link): void {
  client.resetAndDestroy()
  server.end()
}

function reset({ client, server }: Link): void {
  client.resetAndDestroy()
  server.resetAndDestroy()
}
