/** Which channel answered a conversation last, so that the next call of it finds the same caches. */
export interface Affinity {
  channelOf(conversation: string, now: number): string | undefined
  answered(conversation: string, channelId: string, now: number): void
  /** How many are known whose names begin so. */
  count(prefix: string, now: number): number
}

/** After its last answer a conversation is known for so long. */
export const CONVERSATION_MS = 30 * 60_000
const MAX_CONVERSATIONS = 10_000
/** Callers name their conversations: with a longer name they do without. */
const MAX_NAME_CHARACTERS = 512

export function createAffinity(): Affinity {
  /** Oldest first: what is told again moves to the end. */
  const conversations = new Map<string, { readonly channelId: string; readonly at: number }>()
  return {
    channelOf(conversation, now) {
      const known = conversations.get(conversation)
      return known !== undefined && now - known.at < CONVERSATION_MS ? known.channelId : undefined
    },
    answered(conversation, channelId, now) {
      if (conversation.length > MAX_NAME_CHARACTERS) return
      conversations.delete(conversation)
      conversations.set(conversation, { channelId, at: now })
      const [oldest] = conversations.keys()
      if (conversations.size > MAX_CONVERSATIONS && oldest !== undefined) conversations.delete(oldest)
    },
    count(prefix, now) {
      let known = 0
      for (const [name, { at }] of conversations) if (name.startsWith(prefix) && now - at < CONVERSATION_MS) known += 1
      return known
    },
  }
}
