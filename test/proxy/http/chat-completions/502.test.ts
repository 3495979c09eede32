import { after } from 'node:test'
import { chat } from '../../../support/dialogs.ts'
import { answers502 } from '../../../support/openai-502.ts'
import { startScene, unreachableZai } from '../../../support/scene.ts'

const scene = await startScene({ env: await unreachableZai() })
after(() => scene.close())

const path = '/v1/chat/completions'

answers502(scene, path, chat, 'a chat')
