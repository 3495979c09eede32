import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownKeyProblem } from '../../proxy/own-key.ts'
import { startFleet } from '../support/fleet.ts'
import { until } from '../support/gateway.ts'

const alone = { type: 'postgres', replicas: () => Promise.resolve(1) } as const
const among = { ...alone, replicas: () => Promise.resolve(2) }
const file = { DATA_DIR: '/data', ENCRYPTION_KEY: undefined }
const [good, bad, other] = [
  { fault: null },
  { fault: 'secrets cannot be decrypted: the key 01234567 is missing' },
  { fault: 'channels of the type gemini are not served' },
]

const cases: Readonly<Record<string, readonly [...Parameters<typeof ownKeyProblem>, told: RegExp | undefined]>> = {
  'one process that reads everything': [file, alone, [good, other], undefined],
  'other replicas': [file, among, [good], /^ENCRYPTION_KEY is not set, and other replicas were seen .*: set it to/],
  'secrets of another key': [
    file,
    alone,
    [good, bad],
    /the secrets of 1 channels are under another key than \/data\/e/,
  ],
  'a key that is set': [{ ...file, ENCRYPTION_KEY: 'x' }, among, [bad], undefined],
  'a file that one process has': [file, { ...among, type: 'sqlite' }, [bad], undefined],
}

for (const [what, [config, storage, channels, told]] of Object.entries(cases)) {
  test(`with ${what} the start ${told ? 'says' : 'does not say'} that ENCRYPTION_KEY should be set`, async () => {
    const problem = await ownKeyProblem(config, storage, channels)
    if (told === undefined) assert.equal(problem, undefined)
    else assert.match(problem ?? '', told)
  })
}

test('of two gateways that make a key each one says so at its start', async (t) => {
  const { gateways } = await startFleet(t, 2)
  await until('one of them says it', () =>
    gateways.some(({ log }) => log.some(({ msg }) => msg.startsWith('ENCRYPTION_KEY is not set, and other replicas'))),
  )
})
