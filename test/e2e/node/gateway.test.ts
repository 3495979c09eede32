import { after, before } from 'node:test'
import { missingImage } from './bad-image.ts'
import { changing } from './changes.ts'
import { testingReleases } from './helm-tests.ts'
import { installation, readmeCommands } from './install.ts'
import { losing } from './lost-pod.ts'
import { measuring } from './metrics.ts'
import { upgradingOperator } from './operator-upgrade.ts'
import { scaling } from './scale.ts'
import { type Stage, startStage } from './stage.ts'
import { upgrading } from './upgrade.ts'

/* Everything that needs the image, the charts, the operator and pods: on one node, since its boot and the image are the costs. */
let stage: Stage

before(async () => {
  stage = await startStage()
  const [secret, install] = readmeCommands()
  await stage.shell(secret, { ANTHROPIC_API_KEY: 'of-the-account' })
  const account = JSON.stringify({ stringData: { ANTHROPIC_BASE_URL: stage.upstream.url } })
  await stage.node.kubectl('patch', 'secret', 'providers', '-p', account)
  await stage.shell(install)
})
after(() => stage.close())

installation(() => stage)
measuring(() => stage)
scaling(() => stage)
upgrading(() => stage)
missingImage(() => stage)
changing(() => stage)
losing(() => stage)
testingReleases(() => stage)
upgradingOperator(() => stage)
