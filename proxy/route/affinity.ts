/** Which channel answered a conversation last, so that the next call of it finds the same caches. */
export interface Affinity {
  channelOf(conversation: string, now: number): string | undefined
  answered(conversation: string, channelId: string, now: number): void
}

const LASTS_MS = 30 * 60_000
const MAX_CONVERSATIONS = 10_000
/** Callers name their conversations: with a longer name they do without. */
const MAX_NAME_CHARACTERS = 512

export function createAffinity(): Affinity {
  /** Oldest first: what is told again moves to the end. */
  const conversations = new Map<string, { readonly channelId: string; readonly at: number }>()
  return {
    channelOf(conversation, now) {
      const known = conversations.get(conversation)
      return known !== undefined && now - known.at < LASTS_MS ? known.channelId : undefined
    },
    answered(conversation, channelId, now) {
      if (conversation.length > MAX_NAME_CHARACTERS) return
      conversations.delete(conversation)
      conversations.set(conversation, { channelId, at: now })
      const [oldest] = conversations.keys()
      if (conversations.size > MAX_CONVERSATIONS && oldest !== undefined) conversations.delete(oldest)
    },
  }
}
