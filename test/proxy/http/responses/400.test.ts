import { after } from 'node:test'
import { question } from '../../../support/dialogs.ts'
import { answers400 } from '../../../support/openai-400.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/responses'

answers400(scene, path, question, 'a question')
