import type { MigrationReport, Trouble } from './observed.ts'

/** Codes of the image's programs for what only another spec or Secret can help: docs/storage.md has the list. */
const failures: Readonly<Record<string, 'SchemaNewerThanImage' | 'SettingsInvalid'>> = {
  schema_too_new: 'SchemaNewerThanImage',
  environment_invalid: 'SettingsInvalid',
}
const OF_SCHEMA: ReadonlySet<Trouble['reason']> = new Set(['MigrationFailed', ...Object.values(failures)])

/** Why a migration was not even begun; undefined where it was, or where nobody knows. */
export function failureOf(report: MigrationReport | undefined) {
  return failures[report?.error?.code ?? '']
}

/** Whether it is about the schema that a pod brings up to date itself. */
export function isOfSchema({ reason }: Trouble): boolean {
  return OF_SCHEMA.has(reason)
}
