import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A certificate and its private key, in PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

const run = promisify(execFile)
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']

/** Makes an authority in a folder: `ca.crt`, `ca.key`, and the pair `accounts.*` that signs service accounts' tokens. */
export async function createAuthority(folder: string): Promise<string> {
  const cwd = folder
  await run('openssl', ['req', '-x509', ...NEW_KEY, '-subj', '/CN=tests', '-keyout', 'ca.key', '-out', 'ca.crt'], {
    cwd,
  })
  const curve = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  await run('openssl', ['genpkey', ...curve, '-out', 'accounts.key'], { cwd })
  await run('openssl', ['pkey', '-in', 'accounts.key', '-pubout', '-out', 'accounts.pub'], { cwd })
  return readFile(join(folder, 'ca.crt'), 'utf8')
}

/** Makes `<name>.crt` and `<name>.key`. The subject says who it is (`/O=group/CN=user`), the names where, such as `IP:127.0.0.1`. */
export async function createIdentity(
  folder: string,
  name: string,
  subject: string,
  names: readonly string[] = [`DNS:${name}`],
): Promise<Identity> {
  const extensions = [
    `subjectAltName=${names.join(',')}`,
    'basicConstraints=critical,CA:FALSE',
    'extendedKeyUsage=serverAuth,clientAuth',
  ].flatMap((extension) => ['-addext', extension])
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', subject]
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`]
  await run('openssl', ['req', '-x509', ...NEW_KEY, ...signed, ...extensions, ...files], { cwd: folder })
  const read = (end: string): Promise<string> => readFile(join(folder, `${name}.${end}`), 'utf8')
  return { certificate: await read('crt'), key: await read('key') }
}
