#!/bin/sh
# @musistudio/llms 1.0.53: parallel tool calls that take turns become Messages that end the first before its input.
#
# A chat stream names each fragment's call by `index`, so two calls may grow side by side, in one chunk or in turns.
# Anthropic's Messages know one open block at a time. This translator, made for Claude Code in front of other models,
# stops the first block when the second begins and sends that input behind its `content_block_stop`. Who acts on that
# event, when the block is over, runs the tool with nothing: the AI SDK calls it with `{}` and raises no error.
# Anthropic's own SDK goes by the index to the end and has both inputs, so the same recording reads right there.
#
# Tried 2026-11-28 with Node 20, @musistudio/llms 1.0.53, ai 7.0.173, @ai-sdk/anthropic 3.0.140 and
# @anthropic-ai/sdk 1.14.0:
#   one after the other, on the wire: start 0, input 0, stop 0, start 1, input 1, stop 1
#   one after the other, @ai-sdk/anthropic: look {"x":1}, find {"y":2}
#   one after the other, @anthropic-ai/sdk: look {"x":1}, find {"y":2}
#   in turns, on the wire: start 0, stop 0, start 1, input 0, input 1, stop 1
#   in turns, @ai-sdk/anthropic: look {}, find {"y":2}
#   in turns, @anthropic-ai/sdk: look {"x":1}, find {"y":2}
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" @musistudio/llms@1.0.53 ai@7.0.173 \
    @ai-sdk/anthropic@3.0.140 @anthropic-ai/sdk@1.14.0
cat > "$place/ask.mjs" <<'NODE'
import http from "node:http";
import { createRequire } from "node:module";
import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { jsonSchema, streamText, tool } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const begin = (index, name) => ({ index, id: `call_${index}`, type: "function", function: { name, arguments: "" } });
const input = (index, text) => ({ index, function: { arguments: text } });
const look = [begin(0, "look"), input(0, '{"x":1}')];
const find = [begin(1, "find"), input(1, '{"y":2}')];
const orders = {
  "one after the other": [...look, ...find],
  "in turns": [look[0], find[0], look[1], find[1]],
};
const chunk = (delta, finish_reason = null) => ({
  id: "c", object: "chat.completion.chunk", created: 1795000000, model: "m",
  choices: [{ index: 0, delta, finish_reason }],
});

const upstream = http.createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const calls = orders[JSON.parse(body).model].map((call) => chunk({ tool_calls: [call] }));
    const chunks = [chunk({ role: "assistant", content: null }), ...calls, chunk({}, "tool_calls")];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("") + "data: [DONE]\n\n");
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
  name: "up", api_key: "none", api_base_url: `http://127.0.0.1:${port}/v1/chat/completions`, models: Object.keys(orders),
};
const initialConfig = { providers: [provider], HOST: "127.0.0.1", PORT: at };
await new (Server.default ?? Server)({ initialConfig, logger: false }).start();

const base = `http://127.0.0.1:${at}`;
const prompt = "hi";
const inputSchema = jsonSchema({ type: "object", properties: { x: { type: "number" }, y: { type: "number" } } });
const tools = { look: tool({ inputSchema }), find: tool({ inputSchema }) };
const messages = [{ role: "user", content: prompt }];
for (const order of Object.keys(orders)) {
  const asked = { model: `up,${order}`, max_tokens: 9, messages };
  const words = { content_block_start: "start", content_block_delta: "input", content_block_stop: "stop" };
  const steps = [];
  const stream = new Anthropic({ apiKey: "none", baseURL: base, maxRetries: 0 }).messages.stream(asked);
  for await (const event of stream) if (event.type in words) steps.push(`${words[event.type]} ${event.index}`);
  console.log(`${order}, on the wire: ${steps.join(", ")}`);
  const model = createAnthropic({ apiKey: "none", baseURL: `${base}/v1` })(asked.model);
  const calls = await streamText({ model, prompt, tools, maxRetries: 0, maxOutputTokens: 9 }).toolCalls;
  const told = (name, value) => `${name} ${JSON.stringify(value)}`;
  console.log(`${order}, @ai-sdk/anthropic: ${calls.map((call) => told(call.toolName, call.input)).join(", ")}`);
  const { content } = await stream.finalMessage();
  console.log(`${order}, @anthropic-ai/sdk: ${content.map((block) => told(block.name, block.input)).join(", ")}`);
}
process.exit(0);
NODE
(cd "$place" && node ask.mjs) | tee "$place/said"
sed -n 's/^#   \(\(one after the other\|in turns\), .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
