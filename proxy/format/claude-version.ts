/**
 * The version in a Claude model's name as a number that can be compared: 406 for `claude-opus-4-6`. A Claude without a
 * number is taken for the newest; undefined is no Claude.
 */
export function claudeVersion(model: string | undefined): number | undefined {
  if (model === undefined || !model.includes('claude-')) return undefined
  const found = /claude-(?:[a-z]{1,20}-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model)
  return found === null ? Number.MAX_SAFE_INTEGER : Number(found[1]) * 100 + Number(found[2] ?? 0)
}
