import { after } from 'node:test'
import { completion } from '../../../support/dialogs.ts'
import { answers502 } from '../../../support/openai-502.ts'
import { startScene, unreachableZai } from '../../../support/scene.ts'

const scene = await startScene({ env: await unreachableZai() })
after(() => scene.close())

const path = '/v1/completions'

answers502(scene, path, completion, 'a completion')
