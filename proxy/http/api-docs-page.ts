import type { ApiDocument, ApiOperation, ApiParameter } from '../domain/api-document.ts'

/** The document for people: without scripts, and without anything from elsewhere. */
export function apiDocsPage(document: ApiDocument): string {
  const { info, tags } = document
  const operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const groups = tags.map(({ name, description }) => {
    const parts = operations.filter(({ operation }) => operation.tags.includes(name))
    return `<h2 id="${escaped(name)}">${escaped(name)}</h2>
<p>${escaped(description)}
${parts.map(({ path, method, operation }) => operationPart(path, method, operation)).join('\n')}`
  })
  const links = tags.map(({ name }) => `<a href="#${escaped(name)}">${escaped(name)}</a>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(info.title)} API</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
  details { border-top: 1px solid #8884; padding: .4rem 0 } summary { cursor: pointer }
  table { border-collapse: collapse } td, th { padding: .2rem 1rem .2rem 0; vertical-align: top; text-align: left }
  pre { overflow-x: auto; background: #8882; padding: .6rem; font-size: .85rem; max-height: 30rem } code { font-size: .95em }
  b { display: inline-block; min-width: 4rem }
</style>
<h1>${escaped(info.title)} API</h1>
<p>Version ${escaped(info.version)}. ${escaped(info.description)} For programs: <a href="/openapi.json">/openapi.json</a>.
<p>${links.join(' · ')}
${groups.join('\n')}
</html>
`
}

function operationPart(path: string, method: string, operation: ApiOperation): string {
  const { operationId, summary, description, parameters, requestBody, responses, security } = operation
  return `<details id="${escaped(operationId)}">
<summary><b>${method}</b> <code>${escaped(path)}</code> ${escaped(summary)}</summary>
${description === undefined ? '' : `<p>${escaped(description)}`}
${security.length === 0 ? '<p>Open to everybody.' : ''}
${parameters.length === 0 ? '' : `<h3>Parameters</h3><table>${parameters.map(parameterRow).join('')}</table>`}
${requestBody === undefined ? '' : `<h3>Body</h3>${bodyPart(requestBody.content['application/json'])}`}
<h3>Answers</h3>
${Object.entries(responses)
  .map(([status, { description: meaning, content }]) =>
    answerPart(status, meaning, content?.['application/json'].schema),
  )
  .join('\n')}
</details>`
}

function parameterRow({ name, in: place, required, description = '', schema }: ApiParameter): string {
  return `<tr><td><code>${escaped(name)}</code><td>${place}${required ? ', required' : ''}<td>${escaped(description)}<td><code>${escaped(JSON.stringify(schema))}</code>`
}

function bodyPart({ schema, example }: { readonly schema: object; readonly example?: unknown }): string {
  return (example === undefined ? '' : jsonPart(example)) + jsonPart(schema)
}

function answerPart(status: string, meaning: string, schema: object | undefined): string {
  const title = `<b>${escaped(status)}</b> ${escaped(meaning).replaceAll('\n\n', '<br>')}`
  if (schema === undefined || '$ref' in schema) return `<p>${title}`
  return `<p>${title}${jsonPart(schema)}`
}

function jsonPart(value: unknown): string {
  return `<pre>${escaped(JSON.stringify(value, null, 2))}</pre>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
