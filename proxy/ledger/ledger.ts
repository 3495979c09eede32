import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entry, Opened } from '../domain/entry.ts'
import { entryOfJson } from '../domain/entry-row.ts'
import { GatewayError } from '../domain/errors.ts'
import type { LedgerStatus } from '../domain/ledger-status.ts'
import type { Applied, Store } from '../domain/store.ts'
import { Committer } from './committer.ts'
import { adoptFolders, createFolder, type OwnFolder } from './folders.ts'
import { Orphan } from './orphan.ts'
import { closedLine, openedLine, parseRecord } from './record.ts'
import { settingAside } from './set-aside.ts'
import { SpoolReader } from './spool-reader.ts'
import { type Fsync, SpoolWriter } from './spool-writer.ts'

export interface LedgerSettings {
  readonly spoolDir: string
  /** The ULID of this process's start. */
  readonly boot: string
  readonly fsync: Fsync
  /** Beyond this, and beyond half of the volume, calls are refused. */
  readonly maxBytes: number
  readonly commitIntervalMs: number
}

export interface LedgerEvents {
  readonly store: Pick<Store, 'write' | 'markOf'>
  /** A spend of another, dead process was applied: windows in memory have to learn of it. */
  readonly onAdopted: (applied: readonly Applied[]) => void
  /** `applied` is what entries of this process have moved. */
  readonly onCommit: (durationMs: number, entries: number, applied: readonly Applied[]) => void
  readonly onProblem: (what: string, detail: unknown) => void
}

const SEGMENT_BYTES = 4 * 1024 * 1024
const ADOPT_INTERVAL_MS = 10_000
const MAX_BACKOFF_MS = 5000
const DEGRADED_SHARE = 0.8

/**
 * Writes down, exactly once, what each call used. A call is opened before its upstream hears of it and closed before
 * its caller sees the end of the answer; both are lines in local files, from where they go to the database in groups.
 */
export class Ledger {
  private readonly settings: LedgerSettings
  private readonly events: LedgerEvents
  private readonly folder: OwnFolder
  private readonly writer: SpoolWriter
  private readonly reader: SpoolReader
  private readonly committer: Committer
  private readonly store: Pick<Store, 'write' | 'markOf'>
  private orphans: Orphan[] = []
  private running: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined
  private adoptTimer: NodeJS.Timeout | undefined
  private isStopped = false
  private isUnreadable = false
  private failures = 0
  private spooled = 0
  private spooledBytes = 0
  private damaged = 0
  private lastCommitMs: number | null = null
  private oldestAt: number | undefined

  static async start(settings: LedgerSettings, events: LedgerEvents): Promise<Ledger> {
    const folder = await createFolder(settings.spoolDir, settings.boot)
    const { blocks, bsize } = await statfs(folder.path)
    return new Ledger({ ...settings, maxBytes: Math.min(settings.maxBytes, (blocks * bsize) / 2) }, events, folder)
  }

  private constructor(settings: LedgerSettings, events: LedgerEvents, folder: OwnFolder) {
    this.settings = settings
    this.events = events
    this.folder = folder
    this.writer = new SpoolWriter({
      folder: folder.path,
      fsync: settings.fsync,
      segmentBytes: SEGMENT_BYTES,
      onHealth: (failure) =>
        events.onProblem(failure ? 'the spool cannot be written' : 'the spool works again', failure),
    })
    this.reader = new SpoolReader(folder.path, { end: () => this.writer.end, onDamage: this.onDamage })
    const { store } = events
    const rejected = join(settings.spoolDir, 'rejected.jsonl')
    this.store = {
      write: settingAside((batch) => store.write(batch), rejected, events.onProblem),
      markOf: (spool) => store.markOf(spool),
    }
    this.committer = new Committer(this.reader, settings.boot, this.store.write)
  }

  /** Resolves when the record is in the spool; refuses a call that could not be accounted for. */
  async open(opened: Opened): Promise<void> {
    if (this.isFull) {
      throw new GatewayError('spool_unavailable', { detail: 'the spool is full', retryAfterMs: MAX_BACKOFF_MS })
    }
    const line = openedLine(opened)
    try {
      await this.writer.open(opened.id, line)
    } catch (cause) {
      throw new GatewayError('spool_unavailable', { cause, retryAfterMs: MAX_BACKOFF_MS })
    }
    this.spooledBytes += line.length // what was refused stands nowhere, and no commit would take it off again
  }

  /** Resolves when the record is in the spool, however long that takes: the call has happened. */
  close(entry: Entry): Promise<void> {
    const line = closedLine(entry)
    this.spooledBytes += line.length
    this.spooled += 1
    this.oldestAt ??= Date.now()
    if (this.timer === undefined && this.running === undefined) this.schedule(this.settings.commitIntervalMs)
    return this.writer.close(entry.id, line)
  }

  /** Takes over what dead processes left behind, now and from now on. Call it before the windows are read. */
  async recover(): Promise<void> {
    await this.adopt()
    this.adoptTimer = setInterval(() => {
      this.adopt().catch((error: unknown) => this.events.onProblem('spool folders cannot be adopted', error))
    }, ADOPT_INTERVAL_MS).unref()
  }

  /** The worst first. */
  private get problem(): string | null {
    if (this.writer.isFailing) return 'the spool cannot be written'
    if (this.isFull) return 'the spool is full'
    if (this.isUnreadable) return 'the spool cannot be read'
    if (this.spooledBytes > DEGRADED_SHARE * this.settings.maxBytes) return 'the spool is nearly full'
    if (this.failures > 0) return 'entries cannot be committed and wait in the spool'
    return this.damaged > 0 ? 'records of the spool were damaged and skipped' : null
  }

  private get isFull(): boolean {
    return this.spooledBytes > this.settings.maxBytes
  }

  status(): LedgerStatus {
    return {
      spooled: this.spooled,
      spooledBytes: this.spooledBytes,
      oldestSeconds: this.oldestAt === undefined ? 0 : Math.round((Date.now() - this.oldestAt) / 1000),
      lastCommitMs: this.lastCommitMs,
      damagedRecords: this.damaged,
      problem: this.problem,
      isRefusing: this.isFull || this.writer.isRefusing,
    }
  }

  /**
   * Commits what is spooled and ends. What cannot be committed by `deadline` is handed to `rescue` entry by entry,
   * and stays in the folder for the next process that finds it. What cannot even be spooled is handed to it alone.
   */
  async stop(deadline: number, rescue: (entry: Entry) => void): Promise<void> {
    clearInterval(this.adoptTimer)
    await this.writer.stop(deadline, (line) => {
      const record = parseRecord(Buffer.from(line.trimEnd()))
      if (record?.kind === 'closed') rescue(entryOfJson(record.row))
    })
    do await this.commit()
    while (this.failures > 0 && Date.now() < deadline && (await pause(this.backoffMs())))
    this.isStopped = true
    clearTimeout(this.timer)
    if (this.failures > 0) {
      for (const part of [this.committer, ...this.orphans]) await this.rescueFrom(part, rescue)
    }
    this.reader.close()
    for (const orphan of this.orphans) orphan.close()
    if (this.failures === 0) await this.folder.remove()
  }

  /** A folder that cannot be read does not keep the others from being handed out. */
  private async rescueFrom(part: Committer | Orphan, rescue: (entry: Entry) => void): Promise<void> {
    try {
      for await (const entry of part.remaining()) rescue(entry)
    } catch (error) {
      this.events.onProblem('the spool cannot be read', error)
    }
  }

  private async adopt(): Promise<void> {
    const folders = await adoptFolders(this.settings.spoolDir, this.settings.boot)
    this.orphans.push(...folders.map((folder) => new Orphan(folder, this.store, this.onDamage)))
    if (folders.length > 0 && !this.isStopped) await this.commit()
  }

  private schedule(delayMs: number): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.timer = undefined
      void this.commit()
    }, delayMs)
  }

  /** One round over our own folder and the orphans'; never two at a time. Failures are counted and tried again. */
  private async commit(): Promise<void> {
    await this.running
    this.running ??= this.commitRound().finally(() => {
      this.running = undefined
      this.scheduleNext()
    })
    await this.running
  }

  private scheduleNext(): void {
    if (this.isStopped || this.timer !== undefined) return
    if (this.failures > 0) this.schedule(this.backoffMs())
    else if (this.spooled > 0) this.schedule(this.settings.commitIntervalMs)
  }

  private async commitRound(): Promise<void> {
    const start = performance.now()
    const startedAt = Date.now()
    try {
      await this.committer.commit((applied, entries) => this.onCommitted(start, entries, applied))
      for (const orphan of this.orphans) {
        await orphan.settle((applied, entries) => {
          this.events.onAdopted(applied)
          this.events.onCommit(performance.now() - start, entries, [])
        })
        this.orphans = this.orphans.filter((other) => other !== orphan)
      }
      this.failures = 0
    } catch (error) {
      this.failures += 1
      this.events.onProblem('entries cannot be committed; they stay in the spool', error)
    }
    this.oldestAt = this.spooled > 0 ? Math.max(this.oldestAt ?? 0, this.failures > 0 ? 0 : startedAt) : undefined
    this.measure()
  }

  private measure(): void {
    try {
      this.spooledBytes = this.orphans.reduce((sum, orphan) => sum + orphan.backlogBytes(), this.reader.backlogBytes())
      this.isUnreadable = false
    } catch (error) {
      if (!this.isUnreadable) this.events.onProblem('the spool cannot be read', error)
      this.isUnreadable = true
    }
  }

  private onCommitted(start: number, entries: number, applied: readonly Applied[]): void {
    this.spooled -= entries
    this.lastCommitMs = Math.round(performance.now() - start)
    this.events.onCommit(performance.now() - start, entries, applied)
  }

  private readonly onDamage = (detail: object): void => {
    this.damaged += 1
    this.events.onProblem('a spool record is damaged and was skipped', detail)
  }

  private backoffMs(): number {
    const ceiling = Math.min(MAX_BACKOFF_MS, this.settings.commitIntervalMs * 2 ** Math.min(this.failures, 10))
    return ceiling * (0.5 + Math.random() / 2)
  }
}

async function pause(ms: number): Promise<true> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return true
}
