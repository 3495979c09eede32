import { after } from 'node:test'
import { chat } from '../../../support/dialogs.ts'
import { answers429 } from '../../../support/openai-429.ts'
import { startScene } from '../../../support/scene.ts'

const scene = await startScene({ env: { LIMIT_WAIT_MS: '0' } })
after(() => scene.close())

const path = '/v1/chat/completions'

answers429(scene, path, chat)
