import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { tellingChanges } from '../desk-operations.ts'
import type { Cipher } from '../domain/cipher.ts'
import { openCipher } from '../open-cipher.ts'
import { createAuditStore } from '../store/audit.ts'
import type { Database } from '../store/database.ts'
import { verifySchema } from '../store/migrate.ts'
import { readSecretStatus, type Rotation, rotateSecrets, type SecretStatus } from '../store/stored-secrets.ts'
import { columns } from './columns.ts'
import { CommandError, type Environment } from './errors.ts'
import { print, type WriteOptions } from './print.ts'
import { tellLost, withSchema } from './with-storage.ts'

export function addSecretCommands(program: Command, env: Environment): void {
  const secrets = program
    .command('secrets')
    .description('Look after the secrets of channels, which are encrypted under ENCRYPTION_KEY.')

  secrets
    .command('rotate')
    .description(
      'Encrypt under the first key of ENCRYPTION_KEY what is under another: the others can be taken out of it afterwards. It may be repeated, and proxies may run meanwhile, once they all have the first key.',
    )
    .option('--json', 'print JSON')
    .option('--dry-run', 'say what would be encrypted anew, write nothing')
    .action(({ json, dryRun }: WriteOptions) =>
      withSecrets(env, async (database, cipher) => {
        const rotation = dryRun ? await expectRotation(database, cipher) : await rotateSecrets(database, cipher)
        const { rotated, undecryptable } = rotation
        const key = cipher.currentKeyId
        const tell = tellingChanges({ store: createAuditStore(database), onLost: tellLost })
        if (!dryRun && rotated > 0) await tell('rotateSecrets', { target: key, after: { rotated } })
        if (json) print(JSON.stringify({ currentKeyId: key, rotated, undecryptable: total(undecryptable) }))
        else print(`${rotated} secrets ${dryRun ? 'would be' : 'were'} encrypted anew, under the key ${key}.`)
        refuseUndecryptable(undecryptable)
      }),
    )

  secrets
    .command('status')
    .description('Tell under which keys the secrets are. Exit status 1 where some cannot be decrypted.')
    .option('--json', 'print JSON')
    .action(({ json }: { readonly json?: true }) =>
      withSecrets(env, async (database, cipher) => {
        const { byKeyId, undecryptable } = await readSecretStatus(database, cipher)
        const key = cipher.currentKeyId
        // The first key is told of even where nothing is under it yet.
        const counts = [...new Map([[key, 0], ...byKeyId])]
        const keys = counts.map(([id, count]) => ({ id, isCurrent: id === key, secrets: count }))
        if (json) print(JSON.stringify({ keys, undecryptable: total(undecryptable) }, null, 2))
        else print(statusTable(keys))
        refuseUndecryptable(undecryptable)
      }),
    )
}

function withSecrets(env: Environment, work: (database: Database, cipher: Cipher) => Promise<void>): Promise<void> {
  const config = readConfig(env)
  return withSchema(config, false, async (database) => {
    await verifySchema(database)
    const { cipher, warnings } = await openCipher(config, { mayMake: false })
    for (const warning of warnings) process.stderr.write(`${warning}\n`)
    await work(database, cipher)
  })
}

/** What `rotateSecrets` would answer. */
async function expectRotation(database: Database, cipher: Cipher): Promise<Rotation> {
  const { byKeyId, undecryptable }: SecretStatus = await readSecretStatus(database, cipher)
  return { rotated: total(byKeyId) - (byKeyId.get(cipher.currentKeyId) ?? 0), undecryptable }
}

function statusTable(keys: readonly { id: string; isCurrent: boolean; secrets: number }[]): string {
  const rows = keys.map(({ id, isCurrent, secrets }) => [id, `${secrets}`, isCurrent ? 'encrypts' : 'rotate'])
  return columns([['KEY', 'SECRETS', 'USE'], ...rows])
}

function refuseUndecryptable(undecryptable: SecretStatus['undecryptable']): void {
  const reasons = [...undecryptable].map(([reason, count]) => `${count} secrets cannot be decrypted: ${reason}.`)
  if (reasons.length > 0) throw new CommandError(reasons.join('\n'))
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
