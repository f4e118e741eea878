#!/bin/sh
# @ai-sdk/anthropic 3.0.140: a turn that Anthropic paused is finished as "stop", and the AI SDK may leave it at that.
#
# `pause_turn` says that the turn is not over: the caller sends the answer back as it is, for the rest, and
# Anthropic's documentation has the loop. The provider gives it the finish reason of an answer that is whole.
# `streamText` goes by open calls, not by the reason: it goes on when the pause fell before the result of a server's
# tool, and takes a turn that was paused behind it for done, however many steps it may take: half an answer that looks
# whole. Only `rawFinishReason` tells. Who counts ends by `finishReason`, in logs or traces, never sees a paused turn.
#
# Tried 2026-11-28 with Node 20, ai 7.0.173, @ai-sdk/anthropic 3.0.140, @anthropic-ai/sdk 1.14.0; two steps allowed:
#   paused in a search: @anthropic-ai/sdk pause_turn; ai stop, raw pause_turn; requests: 2
#   paused behind a search: @anthropic-ai/sdk pause_turn; ai stop, raw pause_turn; requests: 1
#   over behind a search: @anthropic-ai/sdk end_turn; ai stop, raw end_turn; requests: 1
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" ai@7.0.173 @ai-sdk/anthropic@3.0.140 \
    @anthropic-ai/sdk@1.14.0
cat > "$place/ask.mjs" <<'NODE'
import http from "node:http";
import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { stepCountIs, streamText } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const model = "claude-m";
const query = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} };
const start = {
  id: "msg_1", type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 1 },
};
const page = { url: "https://example.com", title: "T", encrypted_content: "e", page_age: null };
const found = { type: "web_search_tool_result", tool_use_id: query.id, content: [{ type: "web_search_result", ...page }] };
const behind = [
  { type: "content_block_start", index: 2, content_block: found },
  { type: "content_block_stop", index: 2 },
];
const events = ([stop_reason, more]) => [
  { type: "message_start", message: start },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Let me search." } },
  { type: "content_block_stop", index: 0 },
  { type: "content_block_start", index: 1, content_block: query },
  { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"query":"weather"}' } },
  { type: "content_block_stop", index: 1 },
  ...more,
  { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: "message_stop" },
];
const turns = {
  "paused in a search": ["pause_turn", []],
  "paused behind a search": ["pause_turn", behind],
  "over behind a search": ["end_turn", behind],
};
let turn, requests;
const server = http.createServer((request, response) => {
  requests += 1;
  request.resume();
  response.writeHead(200, { "content-type": "text/event-stream" });
  const told = events(turns[turn]).map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.end(told.join(""));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;
const client = new Anthropic({ apiKey: "none", baseURL: base, maxRetries: 0 });
const provider = createAnthropic({ apiKey: "none", baseURL: `${base}/v1` });
const web_search = provider.tools.webSearch_20250305({ maxUses: 3 });
const messages = [{ role: "user", content: "hi" }];
for (turn of Object.keys(turns)) {
  const { stop_reason } = await client.messages.stream({ model, max_tokens: 9, messages }).finalMessage();
  requests = 0;
  const limits = { maxOutputTokens: 9, maxRetries: 0, stopWhen: stepCountIs(2) };
  const said = streamText({ model: provider(model), tools: { web_search }, messages, ...limits });
  const ending = `${await said.finishReason}, raw ${await said.rawFinishReason}`;
  await said.steps;
  console.log(`${turn}: @anthropic-ai/sdk ${stop_reason}; ai ${ending}; requests: ${requests}`);
}
server.close();
NODE
(cd "$place" && node ask.mjs) | tee "$place/said"
sed -n 's/^#   \(.*: @anthropic-ai.*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
