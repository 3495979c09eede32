/** What a person sees who opens the gateway in a browser. */
export function homePage(version: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tollgate</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; color-scheme: light dark }
  code { font-size: .95em } td { padding: .2rem 1rem .2rem 0; vertical-align: top }
</style>
<h1>Tollgate</h1>
<p>An LLM API gateway, version ${version}. Point an SDK at this address and use your Tollgate key.</p>
<table>
  <tr><td><code>POST /v1/messages</code><td>Anthropic Messages
  <tr><td><code>POST /v1/chat/completions</code><td>OpenAI Chat
  <tr><td><code>POST /v1/responses</code><td>OpenAI Responses
  <tr><td><code>GET /v1/models</code><td>Models
  <tr><td><code>GET /stats</code><td>What your key has used
  <tr><td><code>GET /health</code><td>Whether this gateway is well
</table>
</html>
`
}
