import { after } from 'node:test'
import { completion } from '../../../support/dialogs.ts'
import { answers401 } from '../../../support/openai-401.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/completions'

answers401(scene, path, completion, 'a completion')
