import { isBeyond } from './apply-batch.ts'
import { appliedMark, type FileRecord, type KeyFile, toInstant, type UsageWindow } from './key-file.ts'

/**
 * An editor that was open while we wrote saves an old file with a new key in it, and with it counters and marks of
 * yesterday. What the keys are is then taken from the saved file, and what they have used from what we know: counters
 * only grow, so the greater of two is the later. Someone who sets a counter back in a file whose marks are of today means it.
 */
export function withKnownUsage(saved: KeyFile, known: KeyFile): KeyFile {
  const marks = Object.keys(known.tollgate?.applied ?? {})
  const lost = marks.flatMap((spool) => {
    const mark = appliedMark(known, spool)
    return mark && isBeyond(mark, appliedMark(saved, spool)) ? [mark] : []
  })
  if (lost.length === 0) return saved
  const applied = Object.fromEntries(lost.map(({ spool, segment, offset }) => [spool, { segment, offset }]))
  const records = new Map(known.keys.map((record) => [record.key, record]))
  return {
    ...saved,
    keys: saved.keys.map((record) => withLaterUsage(record, records.get(record.key))),
    tollgate: { ...saved.tollgate, applied: { ...saved.tollgate?.applied, ...applied } },
  }
}

function withLaterUsage(saved: FileRecord, known: FileRecord | undefined): FileRecord {
  if (!known) return saved
  const isLater = (toInstant(known.last_used) ?? 0) > (toInstant(saved.last_used) ?? 0)
  return {
    ...saved,
    last_used: isLater ? known.last_used : saved.last_used,
    total_lifetime_tokens: Math.max(saved.total_lifetime_tokens ?? 0, known.total_lifetime_tokens ?? 0),
    usage_windows: withLaterWindows(saved.usage_windows ?? [], known.usage_windows ?? []),
  }
}

function withLaterWindows(saved: readonly UsageWindow[], known: readonly UsageWindow[]): UsageWindow[] {
  const windows = new Map<string, UsageWindow>()
  for (const usageWindow of [...saved, ...known]) {
    const before = windows.get(usageWindow.window_start)
    if (!before || before.tokens_used < usageWindow.tokens_used) windows.set(usageWindow.window_start, usageWindow)
  }
  return [...windows.values()].toSorted((a, b) => Date.parse(a.window_start) - Date.parse(b.window_start))
}
