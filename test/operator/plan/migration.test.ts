import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { KubernetesObject } from '../../../operator/api/object.ts'
import type { JobSeen, MigrationReport, Observed } from '../../../operator/plan/observed.ts'
import { type Plan, planFor } from '../../../operator/plan/plan.ts'
import { rounds } from '../../support/rounds.ts'
import { deploymentSeen, NOW, postgresSpec, provided, storeOf } from '../../support/stores.ts'

const done: MigrationReport = { schema: '8', pending: [], error: undefined }
const broken: MigrationReport = { ...done, error: { code: 'failed', message: 'No such table.' } }

/** A cluster with one store, whose operator may be killed between any two writes. */
class Cluster {
  spec: Readonly<Record<string, unknown>>
  generation = 1
  now = NOW
  approval: string | undefined
  status: Observed['status'] = {}
  image: string | undefined
  readonly jobs = new Map<string, JobSeen>()
  /** Every Job that was ever made. */
  readonly made: KubernetesObject[] = []
  /** Images that were rolled out, one after the other. */
  readonly rolledOut: string[] = []

  constructor(migration: object = {}) {
    this.spec = { ...postgresSpec, migration }
  }

  set(change: object): void {
    this.spec = { ...this.spec, ...change }
    this.generation += 1
  }

  plan(): Plan {
    const deployment = this.image === undefined ? undefined : deploymentSeen({ image: this.image })
    const { approval, jobs, now, status } = this
    return planFor(
      { ...storeOf(this.spec), generation: this.generation },
      provided({ approval, deployment, jobs, now, status }),
    )
  }

  /** One pass; undefined is one that comes to its end. */
  pass(writesBeforeDeath = Infinity): Plan {
    const plan = this.plan()
    const { findings: _, ...status } = plan.status
    const writes = [
      ...plan.apply.map(
        ({ object }) =>
          () =>
            this.apply(object),
      ),
      ...plan.create.map((object) => () => this.make(object)),
      () => void (this.status = structuredClone(status)),
      ...plan.remove.map(
        ({ metadata }) =>
          () =>
            void this.jobs.delete(metadata.name),
      ),
    ]
    for (const write of writes.slice(0, writesBeforeDeath)) write()
    return plan
  }

  private make(object: KubernetesObject): void {
    if (this.jobs.has(object.metadata.name)) return
    this.made.push(object)
    this.jobs.set(object.metadata.name, {
      object,
      state: 'running',
      isAtWork: false,
      trouble: undefined,
      message: undefined,
      report: undefined,
    })
  }

  private apply(object: KubernetesObject): void {
    if (object.kind !== 'Deployment') return
    const image = imageOf(object)
    if (image !== this.image) this.rolledOut.push(image)
    this.image = image
  }

  /** What becomes of the newest Job that has not ended. */
  end(report: MigrationReport): void {
    const [name, job] = [...this.jobs].findLast(([, { state }]) => state === 'running') ?? []
    if (name === undefined || job === undefined) return
    this.jobs.set(name, { ...job, state: report.error ? 'failed' : 'succeeded', isAtWork: false, report })
  }

  reason(): string {
    return this.plan().status.findings.SchemaUpToDate.reason
  }
}

function imageOf(object: KubernetesObject): string {
  return /"image":"(?<image>[^"]+)"/.exec(JSON.stringify(object))?.groups?.['image'] ?? ''
}

test('a migration that failed is tried again, more and more seldom, until somebody changes something', () => {
  const cluster = new Cluster({ backoffLimit: 2 })
  const waits: number[] = []
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    cluster.pass()
    assert.equal(cluster.made.length, attempt)
    cluster.end(broken)
    const { requeueAfterMs } = cluster.pass()
    waits.push(requeueAfterMs)
    cluster.now += 600_000
  }
  assert.deepEqual(waits, [10_000, 15_000, 60_000], 'the second is looked after before its 20 s are over')
  assert.equal(cluster.reason(), 'MigrationFailed')
  assert.equal(cluster.pass().status.findings.Stalled.status, 'True')
  assert.deepEqual([cluster.made.length, cluster.rolledOut], [3, []])

  cluster.set({ jobTemplate: { priorityClassName: 'high' } })
  cluster.pass()
  assert.equal(cluster.made.length, 4)
  assert.equal(cluster.reason(), 'Migrating')
})

test('an image that the schema is too new for is not tried twice', () => {
  const cluster = new Cluster()
  cluster.pass()
  cluster.end({ ...done, error: { code: 'schema_too_new', message: 'The schema is for later programs.' } })
  cluster.pass()
  assert.equal(cluster.reason(), 'SchemaNewerThanImage')
  cluster.now += 3_600_000
  cluster.pass()
  assert.equal(cluster.made.length, 1)
})

test('a database that is away is waited for without end, ever more seldom, and told all the while', () => {
  const cluster = new Cluster({ backoffLimit: 0 })
  const away = { ...done, error: { code: 'storage_away', message: 'DATABASE_URL: nothing listens there.' } }
  const day = cluster.now + 86_400_000
  cluster.pass()
  cluster.end(away)
  while (cluster.now < day) {
    const { requeueAfterMs, status } = cluster.pass()
    const { DatabaseReachable, Ready, Stalled } = status.findings
    assert.deepEqual([DatabaseReachable.status, Ready.reason], ['False', 'DatabaseUnreachable'])
    assert.match(Ready.message, /nothing listens there/)
    assert.equal(Stalled.status, 'False')
    cluster.end(away)
    cluster.now += requeueAfterMs
  }
  assert.ok(cluster.made.length < 300, `${cluster.made.length} Jobs in a day`)
  cluster.now += 300_000
  cluster.pass()
  cluster.end(done)
  cluster.pass()
  assert.deepEqual([cluster.reason(), cluster.image], ['UpToDate', postgresSpec.image])
  assert.equal(cluster.status.schema?.lastMigration?.message, undefined)
})

test('what spec and Secrets make impossible is not tried again before somebody has changed them', () => {
  const cluster = new Cluster()
  cluster.pass()
  cluster.end({ ...done, error: { code: 'environment_invalid', message: 'It has\n  LOG_LEVEL: no such level.' } })
  cluster.pass()
  cluster.now += 86_400_000
  const { findings } = cluster.pass().status
  assert.deepEqual([findings.Stalled.status, findings.Stalled.reason], ['True', 'SettingsInvalid'])
  assert.match(findings.Stalled.message, /It has LOG_LEVEL: no such level\./)
  assert.equal(cluster.made.length, 1)
  cluster.set({ settings: {} })
  cluster.pass()
  assert.deepEqual([cluster.made.length, cluster.reason()], [2, 'Migrating'])
})

test('a migration is approved by its hash, and by no other', () => {
  const cluster = new Cluster({ policy: 'Manual' })
  cluster.pass()
  assert.match(JSON.stringify(cluster.made), /--dry-run/)
  cluster.end({ ...done, schema: '7', pending: ['0008-config-backups'] })
  cluster.pass()
  assert.equal(cluster.reason(), 'ApprovalRequired')
  assert.deepEqual(cluster.status.schema?.pending, ['0008-config-backups'])

  cluster.approval = 'another'
  cluster.pass()
  assert.equal(cluster.made.length, 1)
  cluster.approval = cluster.status.schema?.lastMigration?.hash
  cluster.pass()
  assert.equal(cluster.made.length, 2)
  assert.doesNotMatch(JSON.stringify(cluster.made.at(-1)), /--dry-run/)
  cluster.end(done)
  cluster.pass()
  assert.deepEqual([cluster.reason(), cluster.image], ['UpToDate', postgresSpec.image])
})

test('without migrations a store waits until somebody has made them', () => {
  const cluster = new Cluster({ policy: 'Disabled' })
  cluster.pass()
  cluster.end({ ...done, pending: ['0008-config-backups'] })
  cluster.pass()
  assert.deepEqual([cluster.reason(), cluster.image], ['MigrationDisabled', undefined])
  cluster.now += 300_000
  cluster.pass()
  cluster.end(done)
  cluster.pass()
  assert.deepEqual([cluster.reason(), cluster.image], ['UpToDate', postgresSpec.image])
})

test('a Job that is at work for another image is waited for, and one that waits for its image is not', () => {
  const cluster = new Cluster()
  cluster.pass()
  const [[name, job] = assert.fail()] = cluster.jobs
  cluster.jobs.set(name, { ...job, isAtWork: true })
  cluster.set({ image: 'registry.example/tollgate:2' })
  cluster.pass()
  assert.equal(cluster.made.length, 1)
  cluster.jobs.set(name, job)
  cluster.pass()
  assert.equal(cluster.made.length, 2)
  assert.ok(!cluster.jobs.has(name))
})

test('somebody who deletes the Deployment while a migration waits gets the old image again', () => {
  const cluster = new Cluster()
  cluster.pass()
  cluster.end(done)
  cluster.pass()
  cluster.pass()
  cluster.set({ image: 'registry.example/tollgate:2' })
  cluster.image = undefined
  cluster.pass()
  assert.equal(cluster.image, postgresSpec.image)
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass'), writes: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('whole pass') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('image'), tag: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('succeed', 'succeed', 'fail', 'begin', 'lose', 'wait') }) },
) as fc.Arbitrary<{ readonly kind: string; readonly writes?: number; readonly tag?: number }> // safe: the union of them

test('no image runs before its migration has succeeded, and none that succeeded runs again, whenever the operator dies', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const cluster = new Cluster({ backoffLimit: 20 })
      const succeeded = new Set<string>()
      /** Jobs of the present image that have migrated since it was set. */
      let runs = 0
      for (const { kind, writes, tag } of steps) {
        const rolledOut = cluster.rolledOut.length
        if (kind === 'pass' || kind === 'whole pass') cluster.pass(writes)
        if (kind === 'image' && cluster.spec['image'] !== `registry.example/tollgate:${tag}`) {
          cluster.set({ image: `registry.example/tollgate:${tag}` })
          runs = 0
        }
        if (kind === 'fail') cluster.end(broken)
        if (kind === 'wait') cluster.now += 400_000
        if (kind === 'begin') {
          const [name, job] = [...cluster.jobs].findLast(([, { state }]) => state === 'running') ?? []
          if (name !== undefined && job !== undefined) cluster.jobs.set(name, { ...job, isAtWork: true })
        }
        if (kind === 'lose') {
          // Somebody deletes a Job that runs, or whose result is known.
          const [name] =
            [...cluster.jobs].find(
              ([each, { state }]) =>
                state === 'running' ||
                (cluster.status.schema?.lastMigration?.jobName === each &&
                  cluster.status.schema.lastMigration.result !== 'Running'),
            ) ?? []
          if (name !== undefined) cluster.jobs.delete(name)
        }
        if (kind === 'succeed') {
          const [, job] = [...cluster.jobs].findLast(([, { state }]) => state === 'running') ?? []
          if (job !== undefined) {
            const image = imageOf(job.object)
            succeeded.add(image)
            if (image === cluster.spec['image']) runs += 1
            cluster.end(done)
          }
        }
        for (const image of cluster.rolledOut.slice(rolledOut)) {
          assert.ok(succeeded.has(image), `${image} was rolled out before its migration`)
        }
        assert.ok(runs <= 1, 'a migration that had succeeded ran again')
      }
      cluster.end(done)
      for (let pass = 0; pass < 4; pass += 1) {
        cluster.now += 400_000
        cluster.pass()
        cluster.end(done)
      }
      cluster.pass()
      assert.equal(cluster.image, cluster.spec['image'], 'in the end the image of the spec runs')
    }),
    rounds(80),
  )
})
