import { after } from 'node:test'
import { question } from '../../../support/dialogs.ts'
import { answers401 } from '../../../support/openai-401.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene()
after(() => scene.close())

const path = '/v1/responses'

answers401(scene, path, question, 'a question')
