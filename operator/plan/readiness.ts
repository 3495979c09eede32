import { type Finding, finding } from './finding.ts'
import type { Gate } from './migration.ts'
import type { DeploymentSeen, HealthSeen, Observed, PodSeen, Trouble } from './observed.ts'

/** How the pods stand. */
export interface Standing {
  readonly ready: Finding
  readonly available: Finding
  readonly database: Finding
  /** That all of them say they are. */
  readonly version: string | undefined
}

type Passage = Pick<Gate, 'isOpen' | 'finding' | 'trouble'>

/**
 * Of what the pods say of themselves. `isChanging` says that this very pass changes the Deployment: what was read of it
 * is about the spec before, and nobody may take it for an answer about the new one.
 */
export function readiness(observed: Observed, gate: Passage, isChanging: boolean): Standing {
  const { deployment, pods } = observed
  const alive = pods.filter(({ isEnding }) => !isEnding)
  const answersOf = (those: readonly PodSeen[]): readonly HealthSeen[] => those.flatMap(({ health }) => health ?? [])
  const answers = answersOf(alive.filter(({ isReady }) => isReady))
  const database = databaseOf(answersOf(alive), gate)
  const versions = new Set(answers.map(({ version }) => version))
  const isScaledToZero = deployment?.wanted === 0
  return {
    ready: readyOf(observed, gate, isChanging, database) ?? answered(answers, versions.size),
    available:
      (deployment?.ready ?? 0) > 0
        ? finding('True', 'Serving')
        : finding('False', isScaledToZero ? 'ScaledToZero' : 'NoPodReady'),
    database,
    version: versions.size === 1 ? answers[0]?.version : undefined,
  }
}

/** Undefined where everything is there, and it is for the pods to say how they are. */
function readyOf(observed: Observed, gate: Passage, isChanging: boolean, database: Finding): Finding | undefined {
  const { deployment, isClaimPending, pods } = observed
  const ofPods = pods.find(({ isReady, trouble }) => !isReady && trouble !== undefined)?.trouble
  if (!gate.isOpen) return gate.trouble ? troubled(gate.trouble) : { ...gate.finding, status: 'False' }
  if (deployment === undefined || isChanging || !deployment.isObserved) return finding('False', 'Progressing')
  if (deployment.wanted === 0 && deployment.replicas === 0) return finding('True', 'ScaledToZero')
  if (isWhole(deployment)) return undefined
  const trouble = ofPods ?? deployment.trouble
  if (trouble === undefined && pods.some(isKeptByDatabase)) return database
  if (isClaimPending && (trouble === undefined || isAboutVolumes(trouble))) {
    return finding('False', 'ClaimPending', trouble?.message)
  }
  if (trouble) return troubled(trouble)
  const { ready, updated, wanted } = deployment
  const detail = `${ready} of ${wanted} are ready, and ${updated} are of the present template.`
  if (!deployment.isRolledOut || updated < wanted) return finding('False', 'Progressing', detail)
  return finding('False', ready === 0 ? 'NoPodReady' : 'PodsNotReady', detail)
}

function isWhole({ ready, replicas, updated, wanted }: DeploymentSeen): boolean {
  return ready === wanted && updated === wanted && replicas === wanted
}

/** A pod that has never seen its database does not begin to serve. */
function isKeptByDatabase({ isReady, isEnding, health }: PodSeen): boolean {
  return !isReady && !isEnding && health?.isDatabaseConnected === false
}

/** A claim may also wait for its pod, which then has other reasons not to be scheduled. */
function isAboutVolumes({ reason, message }: Trouble): boolean {
  return reason === 'Unschedulable' && /persistent ?volume/i.test(message)
}

function troubled({ reason, message }: Trouble): Finding {
  return finding('False', reason, message)
}

function answered(answers: readonly HealthSeen[], versions: number): Finding {
  if (answers.some(({ canServe }) => !canServe)) return finding('False', 'PodsNotReady')
  return versions > 1 ? finding('False', 'MixedVersions') : finding('True', 'Serving')
}

/** Where no pod can be asked, the Job for the schema may have found out. */
function databaseOf(answers: readonly HealthSeen[], gate: Passage): Finding {
  if (answers.length === 0) {
    return gate.finding.reason === 'DatabaseUnreachable'
      ? { ...gate.finding, status: 'False' }
      : finding('Unknown', 'DatabaseUnknown')
  }
  const away = answers.filter(({ isDatabaseConnected }) => !isDatabaseConnected).length
  if (away === 0) return finding('True', 'DatabaseReachable')
  return finding('False', 'DatabaseUnreachable', `So say ${away} of ${answers.length}.`)
}
