import { z } from 'zod'
import type { Replacement, WholeConfiguration } from '../domain/whole-configuration.ts'
import { sectionsOf } from './config-document.ts'

const named = z.strictObject({ id: z.string(), name: z.string() })
const of = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ added: z.array(item), changed: z.array(item), removed: z.array(item) })

/** What differs between two configurations, by what it is called. */
export const shownDifference = z.strictObject({
  channels: of(named),
  pricing: of(z.string()),
  modelAliases: of(z.string()),
  userAliases: of(z.string()),
  settings: of(z.string()),
  tenants: of(named),
})
type Difference = z.output<typeof shownDifference>
type Counts = Readonly<Record<keyof Difference, Readonly<Record<'added' | 'changed' | 'removed', number>>>>

export function differenceOf({ before, after }: Pick<Replacement, 'before' | 'after'>): Difference {
  const [old, now] = [partsOf(before, after), partsOf(after, before)]
  return {
    channels: compared(old.channels, now.channels),
    pricing: compared(old.pricing, now.pricing),
    modelAliases: compared(old.modelAliases, now.modelAliases),
    userAliases: compared(old.userAliases, now.userAliases),
    settings: compared(old.settings, now.settings),
    tenants: compared(old.tenants, now.tenants),
  }
}

/** For the audit log: a document would be too long for it. */
export function countsOf(difference: Difference): Counts {
  const counted = Object.entries(difference).map(([section, { added, changed, removed }]) => [
    section,
    { added: added.length, changed: changed.length, removed: removed.length },
  ])
  return Object.fromEntries(counted) as Counts // safe: of each section
}

/** By a text that tells one part from the others of its section: what it is called, and what it is. */
type Parts<Called> = ReadonlyMap<string, { readonly called: Called; readonly text: string }>

function partsOf(whole: WholeConfiguration, other: WholeConfiguration) {
  const { channels, pricing, modelAliases, userAliases, settings, tenants } = sectionsOf(whole)
  // Places count among those that both have: one that comes or goes does not change all that stand behind it.
  const others = new Set(other.channels.map(({ id }) => id))
  const inBoth = channels.filter(({ id }) => others.has(id))
  return {
    channels: byId(channels.map((channel) => ({ ...channel, place: inBoth.indexOf(channel) }))),
    pricing: byName(pricing.models),
    modelAliases: byName(modelAliases),
    userAliases: byName(userAliases),
    settings: byName(settings),
    tenants: byId(tenants),
  }
}

function byId(items: readonly { readonly id: string; readonly name: string }[]): Parts<z.output<typeof named>> {
  return new Map(
    items.map((item) => [item.id, { called: { id: item.id, name: item.name }, text: JSON.stringify(item) }]),
  )
}

function byName(values: Readonly<Record<string, unknown>>): Parts<string> {
  return new Map(Object.entries(values).map(([name, value]) => [name, { called: name, text: JSON.stringify(value) }]))
}

function compared<Called>(old: Parts<Called>, now: Parts<Called>) {
  const called = (parts: Parts<Called>, isMeant: (id: string, text: string) => boolean): Called[] =>
    [...parts].flatMap(([id, part]) => (isMeant(id, part.text) ? [part.called] : []))
  return {
    added: called(now, (id) => !old.has(id)),
    changed: called(now, (id, text) => (old.get(id)?.text ?? text) !== text),
    removed: called(old, (id) => !now.has(id)),
  }
}
