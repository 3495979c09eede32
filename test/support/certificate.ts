import { execFile } from 'node:child_process'
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { serverUser } from './postgres-binaries.ts'

/** A certificate of 127.0.0.1 and localhost that nobody but its own authority vouches for. */
export interface Certificate {
  /** The authority's certificate: the text, and where it is. */
  readonly ca: string
  readonly caFile: string
  readonly certificateFile: string
  readonly keyFile: string
  remove(): Promise<void>
}

export async function createCertificate(): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'tg-tls-'))
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await openssl('req', '-x509', ...newKey, '-subj', '/CN=Test authority', '-keyout', 'ca.key', '-out', 'ca.crt')
  const names = [
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:localhost',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ]
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', '/CN=localhost']
  await openssl('req', '-x509', ...newKey, ...signed, ...names, '-keyout', 'server.key', '-out', 'server.crt')

  // PostgreSQL reads no key that is another user's; openssl has made it with mode 0600.
  const user = serverUser()
  if (user) {
    for (const name of ['.', 'server.key', 'server.crt', 'ca.crt']) await chown(join(folder, name), user.uid, user.gid)
  }
  return {
    ca: await readFile(join(folder, 'ca.crt'), 'utf8'),
    caFile: join(folder, 'ca.crt'),
    certificateFile: join(folder, 'server.crt'),
    keyFile: join(folder, 'server.key'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
