#!/bin/sh
# @langfuse/openai 5.11.1: a stream that is observed has no `controller`, no `tee`, no `withResponse`, whatever its type says.
#
# `observeOpenAI(client)` returns the type that it is given, so TypeScript takes everything that openai-node can do. What
# comes out for `stream: true` is a bare async generator: iterating works, and with it every first test. Who stops an
# answer the documented way (`stream.controller.abort()`), relays it (`toReadableStream()`), reads the request id of its
# head (`withResponse()`) or uses the helper `.stream()` gets a TypeError, in a stop button or an error path as a rule;
# of whole answers `withResponse()` is gone as well. An abort signal given with the request still works, and so does
# leaving the loop. Braintrust, LangSmith and PostHog hand out streams that can do all of it.
#
# Tried 2026-11-30 with Node 20, openai 7.59.0, @langfuse/openai 5.11.1 (with @langfuse/core and @langfuse/tracing of
# that version), braintrust 3.35.0, langsmith 0.12.0, @posthog/ai 8.13.1 with posthog-node 5.70.0:
#   none: loop one two; controller stops; toReadableStream one two; tee one two; withResponse one two; helper one two
#   langfuse: loop one two; controller TypeError; toReadableStream TypeError; tee TypeError; withResponse TypeError; helper TypeError
#   braintrust: loop one two; controller stops; toReadableStream one two; tee one two; withResponse one two; helper one two
#   langsmith: loop one two; controller stops; toReadableStream one two; tee one two; withResponse one two; helper one two
#   posthog: loop one two; controller stops; toReadableStream one two; tee one two; withResponse one two; helper one two
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --legacy-peer-deps --prefix "$place" openai@7.59.0 @langfuse/openai@5.11.1 \
    @langfuse/core@5.11.1 @langfuse/tracing@5.11.1 @opentelemetry/api@1.10.0 braintrust@3.35.0 langsmith@0.12.0 \
    @posthog/ai@8.13.1 posthog-node@5.70.0
cat > "$place/observed.mjs" <<'JS'
import { once } from "node:events"
import http from "node:http"
import OpenAI from "openai"

const chunk = (delta, finish_reason = null) => {
  const head = { id: "c", object: "chat.completion.chunk", created: 1795000000, model: "gpt-4o" }
  return `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }] })}\n\n`
}
const EVENTS = [chunk({ role: "assistant", content: "one " }), chunk({ content: "two" }), chunk({}, "stop")]
const server = http.createServer(async (request, response) => {
  request.resume()
  response.writeHead(200, { "content-type": "text/event-stream" })
  for (const event of [...EVENTS, "data: [DONE]\n\n"]) {
    response.write(event)
    await new Promise((done) => setTimeout(done, 100))
  }
  response.end()
})
await once(server.listen(0, "127.0.0.1"), "listening")

const client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${server.address().port}`, maxRetries: 0 })
const nowhere = "http://127.0.0.1:9"
const wrapped = {
  none: async () => client,
  langfuse: async () => (await import("@langfuse/openai")).observeOpenAI(client),
  braintrust: async () => (await import("braintrust")).wrapOpenAI(client),
  langsmith: async () => {
    Object.assign(process.env, { LANGSMITH_TRACING: "true", LANGSMITH_API_KEY: "none", LANGSMITH_ENDPOINT: nowhere })
    return (await import("langsmith/wrappers")).wrapOpenAI(client)
  },
  posthog: async () => {
    const { PostHog } = await import("posthog-node")
    const traced = (await import("@posthog/ai/openai")).OpenAI
    const { apiKey, baseURL } = client
    return new traced({ apiKey, baseURL, maxRetries: 0, posthog: new PostHog("none", { host: nowhere }) })
  },
}
const asked = { model: "gpt-4o", messages: [{ role: "user", content: "count" }] }
const text = async (chunks) => {
  let said = ""
  for await (const one of chunks) said += one.choices[0].delta.content ?? ""
  return said.trim()
}
const decoded = async function* (stream) {
  let lines = ""
  for await (const bytes of stream) lines += new TextDecoder().decode(bytes)
  for (const line of lines.trim().split("\n")) yield JSON.parse(line)
}
const ways = {
  loop: async (create) => text(await create()),
  controller: async (create) => {
    const stream = await create()
    let chunks = 0
    for await (const _ of stream) if (++chunks === 1) stream.controller.abort()
    return chunks === 1 ? "stops" : `goes on for ${chunks} chunks`
  },
  toReadableStream: async (create) => text(decoded((await create()).toReadableStream())),
  tee: async (create) => text((await create()).tee()[0]),
  withResponse: async (create) => text((await create().withResponse()).data),
  helper: async (create, observed) => observed.chat.completions.stream(asked).finalContent(),
}

const observed = await wrapped[process.argv[2]]()
const create = () => observed.chat.completions.create({ ...asked, stream: true })
const said = []
for (const [name, way] of Object.entries(ways)) {
  said.push(`${name} ${await way(create, observed).catch((error) => error.constructor.name)}`)
}
console.log(`${process.argv[2]}: ${said.join("; ")}`)
process.exit()
JS
for tracer in none langfuse braintrust langsmith posthog; do
    node --no-warnings "$place/observed.mjs" "$tracer" 2>> "$place/errors" || cat "$place/errors"
done | tee "$place/said"
sed -n 's/^#   \(.*: loop .*\)$/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
