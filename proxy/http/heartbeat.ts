import type { ClientAnswer } from './client-answer.ts'

export interface Heartbeat {
  watch(answer: ClientAnswer): void
  unwatch(answer: ClientAnswer): void
  stop(): void
}

/** One timer for all streams: a timer per stream, set anew with each chunk, would cost more than the chunk. */
export function startHeartbeat(intervalMs: number): Heartbeat {
  const answers = new Set<ClientAnswer>()
  const timer = setInterval(
    () => {
      for (const answer of answers) answer.beat(intervalMs)
    },
    Math.min(1000, Math.ceil(intervalMs / 4)),
  ).unref()
  return {
    watch: (answer) => answers.add(answer),
    unwatch: (answer) => answers.delete(answer),
    stop: () => clearInterval(timer),
  }
}
