/** Runs one piece of work after another. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = last.then(work)
    // Whoever asked for it hears of it before the next work begins.
    last = done.catch(() => undefined).then(() => new Promise((resolve) => void setImmediate(resolve)))
    return done
  }
}
