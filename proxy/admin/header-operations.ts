import type { HeaderPolicy } from '../domain/channel.ts'
import { headerPolicy } from './channel-schema.ts'
import { headerProblems } from './header-problems.ts'
import { type DocumentedOperation, operation } from './operation.ts'
import { requestInvalid } from './problems.ts'
import { done } from './schemas.ts'
import { type SettingKind, settingKind } from './setting-kind.ts'
import type { SettingParts } from './setting-operations.ts'

/** A `HeaderPolicy`. */
const OUTBOUND_HEADERS = 'outbound-headers'

/** The same setting as a document has it. */
export const headerPolicyKind: SettingKind = settingKind({
  stored: OUTBOUND_HEADERS,
  schema: headerPolicy,
  shown: (stored: HeaderPolicy) => stored,
  toStored: (said) => said,
  problems: (policy) => headerProblems(policy, ''),
})

const described = {
  tag: 'Settings',
  access: 'admin',
  hasRevision: true,
  path: '/api/config/outbound-header-policy',
} as const

/** What is done to the headers of callers on the way to every channel. */
export function headerOperations({ settings }: Pick<SettingParts, 'settings'>): readonly DocumentedOperation[] {
  const read = async (): Promise<HeaderPolicy> =>
    ((await settings.get(OUTBOUND_HEADERS)) as HeaderPolicy | undefined) ?? { remove: [], set: {} } // safe: written below
  return [
    operation(
      {
        ...described,
        id: 'getOutboundHeaderPolicy',
        method: 'GET',
        summary: 'What is done to the headers of callers on the way to every channel',
        answer: headerPolicy,
      },
      async () => ({ body: await read() }),
    ),
    operation(
      {
        ...described,
        id: 'setOutboundHeaderPolicy',
        method: 'PUT',
        summary: 'Says what is done to the headers of callers on the way to every channel, whole',
        description:
          'What the headerPolicy of a channel says wins there. Few headers of callers are passed on at all, and no addresses and cookies.',
        body: headerPolicy,
        example: { remove: ['x-client-*'], set: { 'user-agent': 'our-gateway/1' } },
        answer: done,
      },
      async ({ body, expectedRevision }) => {
        const problems = headerProblems(body, '')
        if (problems.length > 0) throw requestInvalid(problems)
        const before = await read()
        await settings.set(OUTBOUND_HEADERS, body, expectedRevision)
        return {
          body: { success: true, message: 'Outbound header policy set' },
          audit: { target: OUTBOUND_HEADERS, before, after: body },
        }
      },
    ),
  ]
}
