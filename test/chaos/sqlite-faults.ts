import { until } from '../support/gateway.ts'
import type { Damaged } from './audit.ts'
import { damageSpool } from './damage.ts'
import type { Disk } from './disk.ts'
import { changeKeys, type KeyStage } from './keys.ts'
import type { Random } from './random.ts'
import { type Draw, type Fault, pass } from './rounds.ts'

/** One gateway with a SQLite file; the file and the spool may have disks of their own, which can be full. */
export interface SqliteStage extends KeyStage {
  readonly random: Random
  readonly damaged: Damaged
  readonly count: (what: string, by: number) => void
}

export interface Disks {
  readonly database: Disk
  readonly spool: Disk
}

/** Without disks of their own they are not filled. */
export function sqliteFaults(disks: Disks | undefined): readonly [Fault<SqliteStage>, ...Fault<SqliteStage>[]] {
  return [
    { kind: 'SIGKILL', holds: 'everything', weight: 3, run: kill },
    { kind: 'a spool record is damaged', holds: 'everything', weight: 3, run: damage },
    { kind: 'keys change', holds: 'everything', weight: 1, run: ({ stage }) => changeKeys(stage, false) },
    ...(disks
      ? ([
          {
            kind: 'the disk of the database is full',
            holds: 'everything',
            weight: 2,
            run: fillDatabase(disks.database),
          },
          { kind: 'the disk of the spool is full', holds: 'everything', weight: 2, run: fillSpool(disks.spool) },
        ] as const)
      : []),
  ]
}

/** Some of those that are killed are killed again while they start. */
async function kill({ stage: { crew }, member, extent, variant }: Draw<SqliteStage>): Promise<void> {
  await crew.kill(member)
  if (variant < 0.5) await crew.startInVain(member, extent * 800)
  await crew.start(member)
}

async function damage({ stage, member }: Draw<SqliteStage>): Promise<void> {
  const { crew, damaged, random, count } = stage
  await crew.kill(member)
  const record = damageSpool(crew.spoolDir, random)
  if (record) damaged.set(record.requestId, record.kind)
  await crew.start(member)
  if (record === undefined) return
  count(`damaged records: ${record.kind}`, 1)
  await until('the damage is told', async () => (await crew.health(member)).ledger.damagedRecords === 1)
}

/** Calls go on while it lasts; some gateways are killed before there is room again. */
function fillDatabase(disk: Disk) {
  return async ({ stage: { crew, traffic, count }, member, variant }: Draw<SqliteStage>): Promise<void> => {
    const failures = (): number =>
      member.gateway?.log.filter(({ msg }) => msg.startsWith('entries cannot be committed')).length ?? 0
    const before = failures()
    disk.fill()
    const start = traffic.completed()
    await until('a commit finds no room', () => failures() > before, 60_000)
    await pass(traffic, 20)
    count('answered while the disk of the database was full', traffic.completed() - start)
    if (variant < 0.3) await crew.kill(member)
    disk.makeRoom()
    if (variant < 0.3) await crew.start(member)
  }
}

/** New calls are refused while it lasts, since they could not be accounted for. */
function fillSpool(disk: Disk) {
  return async ({ stage: { crew, traffic }, member, variant }: Draw<SqliteStage>): Promise<void> => {
    const refused = (): number => [...traffic.calls.values()].filter(({ status }) => status === 503).length
    const goal = refused() + 5
    disk.fill()
    await until('new calls are refused', () => refused() >= goal)
    if (variant < 0.3) await crew.kill(member)
    disk.makeRoom()
    if (variant < 0.3) await crew.start(member)
  }
}
