import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/**
 * Folders of the spool. Each process has one, named by the ULID of its boot, and listens on a socket in it; a folder
 * named `<boot>.<adopter>` is being read by the adopter. The owner is whoever stands last in the name, and it lives
 * as long as its socket takes connections: the kernel closes that with the process, but not when it is merely
 * stopped, so a paused process keeps its folder. Only a kernel's own sockets tell: the directory has to be node-local,
 * since on one that hosts share the processes of another host would look dead.
 */
export interface OwnFolder {
  readonly path: string
  readonly boot: string
  /** Stops listening and removes the folder, which must have been drained. */
  remove(): Promise<void>
}

/** The folder of a dead process, which is ours to read now. */
export interface AdoptedFolder {
  readonly path: string
  readonly boot: string
}

const SOCKET = 'socket'
/** Whatever else lies in the directory (`lost+found`, where it is a volume) is not ours. */
const FOLDER_NAME = /^([0-9A-Z]{26})(?:\.([0-9A-Z]{26}))?$/
const CONNECT_TIMEOUT_MS = 2000
/** Making a folder takes far less. */
const MAKING_MS = 60_000
/** sockaddr_un holds 108 bytes with the closing zero (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107

export async function createFolder(spoolDir: string, boot: string): Promise<OwnFolder> {
  mkdirSync(spoolDir, { recursive: true, mode: 0o700 })
  const path = join(spoolDir, boot)
  // Made under another name, so that no one meets a folder whose socket does not listen yet and takes it for dead.
  const making = join(spoolDir, `.${boot}`)
  const socket = join(making, SOCKET)
  refuseLongPath(socket)
  mkdirSync(making, { mode: 0o700 })
  const server = await listen(socket)
  renameSync(making, path)
  return {
    path,
    boot,
    async remove() {
      await new Promise((resolve) => server.close(resolve))
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Takes the folders of dead processes over and answers them. Of several claimants, `rename` lets one win. */
export async function adoptFolders(spoolDir: string, boot: string): Promise<readonly AdoptedFolder[]> {
  const adopted: AdoptedFolder[] = []
  for (const name of readdirSync(spoolDir)) {
    if (await isAbandoned(spoolDir, name)) rmSync(join(spoolDir, name), { recursive: true, force: true })
    const [, first, adopter] = FOLDER_NAME.exec(name) ?? []
    if (!first || first === boot || adopter === boot) continue
    if (await isAlive(join(spoolDir, adopter ?? first, SOCKET))) continue
    const claimed = join(spoolDir, `${first}.${boot}`)
    try {
      renameSync(join(spoolDir, name), claimed)
      adopted.push({ path: claimed, boot: first })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // safe: node:fs throws ErrnoExceptions
    }
  }
  return adopted
}

/** A folder that was being made when its process was killed; nothing can have been written into it. */
async function isAbandoned(spoolDir: string, name: string): Promise<boolean> {
  if (!/^\.[0-9A-Z]{26}$/.test(name)) return false
  const madeAt = statSync(join(spoolDir, name), { throwIfNoEntry: false })?.mtimeMs ?? Infinity
  return Date.now() - madeAt > MAKING_MS && !(await isAlive(join(spoolDir, name, SOCKET)))
}

function refuseLongPath(path: string): void {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(`SPOOL_DIR is too long for a socket in it: ${path} has more than ${MAX_SOCKET_PATH_BYTES} bytes`)
  }
}

function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const answer = (alive: boolean): void => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => answer(true))
    // Anything but a plain refusal (a full backlog, a time-out) may be a process that is merely stopped.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      answer(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    )
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => answer(true))
  })
}
