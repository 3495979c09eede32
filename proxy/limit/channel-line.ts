export interface ChannelLineParts<Answer> {
  readonly now: () => number
  /** Lets a call in, or refuses it; undefined where it has to wait. */
  readonly take: (upper: number) => Answer | undefined
  /** When waiting may be over by itself. */
  readonly endsAt: (now: number) => number
  /** Somebody waits. */
  readonly hurry: () => void
}

export interface ChannelLine<Answer> {
  /** How many wait. */
  readonly length: number
  /** The answer for a call that needs at most so much; undefined where there was none until `until`, or nobody waits. */
  enter(upper: number, until: number, gone?: AbortSignal): Promise<Answer | undefined>
  /** Something has changed: who is first looks again. */
  wake(): void
}

/** Other replicas cannot tell us that they gave something back. */
export const LOOK_AGAIN_MS = 250

interface Waiting<Answer> {
  readonly upper: number
  readonly until: number
  readonly answer: (answer: Answer | undefined) => void
}

/** Who waits for one limit of a channel, in the order in which they came. */
export function createChannelLine<Answer>({ now, take, endsAt, hurry }: ChannelLineParts<Answer>): ChannelLine<Answer> {
  const line: Waiting<Answer>[] = []
  let timer: NodeJS.Timeout | undefined

  /** Answers who can be answered, from the front, and whose time is over. */
  const move = (): void => {
    clearTimeout(timer)
    timer = undefined
    for (let first = line[0]; first !== undefined; first = line[0]) {
      const isLate = now() >= first.until
      const answer = isLate ? undefined : take(first.upper)
      if (answer === undefined && !isLate) break
      line.shift()
      first.answer(answer)
    }
    linger()
  }
  const linger = (): void => {
    const [next] = line
    if (next === undefined) return
    hurry()
    const at = now()
    const due = Math.min(next.until, Math.max(at + 1, endsAt(at)))
    timer = setTimeout(move, Math.min(due - at, LOOK_AGAIN_MS))
  }

  return {
    get length() {
      return line.length
    },
    async enter(upper, until, gone) {
      const answer = line.length === 0 ? take(upper) : undefined
      if (answer !== undefined || until <= now() || gone?.aborted) return answer
      return new Promise((resolve) => {
        const entry: Waiting<Answer> = {
          upper,
          until,
          answer(found) {
            gone?.removeEventListener('abort', leave)
            resolve(found)
          },
        }
        const leave = (): void => {
          line.splice(line.indexOf(entry), 1)
          entry.answer(undefined)
          move() // who was behind may need less
        }
        gone?.addEventListener('abort', leave)
        line.push(entry)
        if (line.length === 1) linger()
      })
    },
    wake() {
      if (line.length > 0) move()
    },
  }
}
