#!/bin/sh
# @musistudio/llms 1.0.53: its option `streamoptions` asks the model server for the usage and then throws it away.
#
# The translator of Messages to chat for Claude Code counts what a stream's usage tells it, and its transformer
# `streamoptions` sets `include_usage` for it. A server answers that, as OpenAI's reference has it, with one more chunk
# whose `choices` is empty; the translator skips chunks without a choice, so Messages end in "0 in, 0 out". It has the
# counts only of servers that add them to a chunk with a choice. Budgets, and a client that compacts its context by what
# was used, see an answer that cost nothing; without streaming it is counted. An answer that the filter stopped is said
# to have met a stop sequence, with `stop_sequence` null.
#
# Tried 2026-11-28 with Node 20, @musistudio/llms 1.0.53, @anthropic-ai/sdk 1.14.0 (the server: 5 in, 7 out):
#   usage asked for: true
#   usage behind the choices: end_turn, 0 in, 0 out
#   usage beside a choice: end_turn, 5 in, 7 out
#   usage of a whole answer: end_turn, 5 in, 7 out
#   content_filter: stop_sequence null
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" @musistudio/llms@1.0.53 @anthropic-ai/sdk@1.14.0
cat > "$place/ask.mjs" <<'NODE'
import http from "node:http";
import { createRequire } from "node:module";
import Anthropic from "@anthropic-ai/sdk";

const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
const head = { id: "c", created: 1795000000, model: "m" };
const chunk = (choices, more) => ({ ...head, object: "chat.completion.chunk", choices, ...more });
const choice = (delta, finish_reason = null) => [{ index: 0, delta, finish_reason }];
const words = chunk(choice({ role: "assistant", content: "One." }));
const message = { role: "assistant", content: "One.", refusal: null };
const whole = { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage };
const answers = {
  behind: [words, chunk(choice({}, "stop")), chunk([], { usage })],
  beside: [words, chunk(choice({}, "stop"), { usage })],
  filter: [words, chunk(choice({}, "content_filter"))],
};
let options;

const upstream = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const asked = JSON.parse(body);
    options ??= asked.stream_options;
    response.writeHead(200, { "content-type": asked.stream ? "text/event-stream" : "application/json" });
    if (!asked.stream) return response.end(JSON.stringify(whole));
    const events = answers[asked.model].map((one) => `data: ${JSON.stringify(one)}\n\n`);
    response.end(events.join("") + "data: [DONE]\n\n");
  });
});
const listening = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
const port = await listening(upstream);
const free = http.createServer();
const at = await listening(free);
await new Promise((resolve) => free.close(resolve));
const Server = createRequire(import.meta.url)("@musistudio/llms");
const provider = {
  name: "up", api_key: "none", api_base_url: `http://127.0.0.1:${port}/v1/chat/completions`,
  models: Object.keys(answers), transformer: { use: ["streamoptions"] },
};
const initialConfig = { providers: [provider], HOST: "127.0.0.1", PORT: at };
await new (Server.default ?? Server)({ initialConfig, logger: false }).start();

const client = new Anthropic({ apiKey: "none", baseURL: `http://127.0.0.1:${at}`, maxRetries: 0 });
const asked = { max_tokens: 9, messages: [{ role: "user", content: "hi" }] };
const streamed = (model) => client.messages.stream({ ...asked, model: `up,${model}` }).finalMessage();
const told = (said) => `${said.stop_reason}, ${said.usage.input_tokens} in, ${said.usage.output_tokens} out`;
const behind = await streamed("behind");
console.log(`usage asked for: ${options?.include_usage}`);
console.log(`usage behind the choices: ${told(behind)}`);
console.log(`usage beside a choice: ${told(await streamed("beside"))}`);
console.log(`usage of a whole answer: ${told(await client.messages.create({ ...asked, model: "up,behind" }))}`);
const filtered = await streamed("filter");
console.log(`content_filter: ${filtered.stop_reason} ${filtered.stop_sequence}`);
process.exit(0);
NODE
(cd "$place" && node ask.mjs) | tee "$place/said"
sed -n 's/^#   \(\(usage\|content_filter\).*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
