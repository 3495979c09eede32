import { after } from 'node:test'
import { completion } from '../../../support/dialogs.ts'
import { answers400 } from '../../../support/openai-400.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/completions'

answers400(scene, path, completion, 'a completion')
