import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer
  readonly agent?: Agent
}

/** An answer whose body is still coming. */
export interface Opened {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly message: IncomingMessage
  /** What has come so far. */
  readonly received: () => string
  /** Resolves when the body is complete; rejects when it broke off. */
  readonly whole: () => Promise<Buffer>
  readonly hangUp: () => void
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawBody: Buffer
  readonly text: string
}

/** Asks and answers as soon as the head is there. Node's own client: it changes nothing and hides nothing. */
export function open(url: string, { method, headers, body, agent }: Asked = {}): Promise<Opened> {
  const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const type = bytes !== undefined && bytes !== body ? { 'content-type': 'application/json' } : {}
  const { origin, hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        path: url.slice(origin.length) || '/', // as it is written: URL would tidy it up
        method: method ?? (bytes === undefined ? 'GET' : 'POST'),
        agent: agent ?? false,
        headers: { ...type, ...(bytes && { 'content-length': Buffer.byteLength(bytes) }), ...headers },
      },
      (message) => {
        resolve(openedOf(message, () => request.destroy()))
      },
    )
    request.on('error', reject).end(bytes)
  })
}

export async function ask(url: string, asked: Asked = {}): Promise<Answer> {
  const { status, headers, whole } = await open(url, asked)
  const rawBody = await whole()
  return { status, headers, rawBody, text: rawBody.toString() }
}

/** The JSON object that an answer or an event says. */
export function json(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown> // safe: the test compares what it finds in it
}

function openedOf(message: IncomingMessage, hangUp: () => void): Opened {
  const chunks: Buffer[] = []
  const complete = new Promise<Buffer>((resolve, reject) => {
    message.on('data', (chunk: Buffer) => chunks.push(chunk))
    message.on('end', () => {
      resolve(Buffer.concat(chunks))
    })
    message.on('error', reject)
  })
  complete.catch(() => undefined) // a test that hangs up does not ask for the rest
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    message,
    received: () => Buffer.concat(chunks).toString(),
    whole: () => complete,
    hangUp,
  }
}

export interface RawConnection {
  readonly socket: Socket
  readonly received: () => string
  /** Resolves with everything that came when the server has closed the connection. */
  readonly closed: () => Promise<string>
}

/** A connection without an HTTP client: for what no client would send. */
export async function connectRaw(port: number, bytes: string | Buffer = ''): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', resolve)
  })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined) // a reset is a way to close
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      resolve(Buffer.concat(chunks).toString())
    })
  })
  socket.write(bytes)
  return { socket, received: () => Buffer.concat(chunks).toString(), closed: () => closed }
}

/** Status, headers and body of an answer as it stands on the wire, with its length given. */
export function parseRaw(text: string): Answer {
  const headEnd = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const body = text.slice(headEnd + 4)
  return { status: Number(statusLine.split(' ')[1]), headers, rawBody: Buffer.from(body), text: body }
}
