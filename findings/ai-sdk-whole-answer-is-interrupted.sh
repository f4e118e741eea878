#!/bin/sh
# ai 7.0.173, @ai-sdk/openai 4.0.118: a whole answer in place of a stream is an empty one that was "interrupted".
#
# A server that does not know `stream: true` answers with one JSON object, 200 and application/json, and one that is
# out of credits may put its error there with the same status. `streamText` reads both as a stream of no events: no
# error is thrown, `onError` is not called, the text is empty, and the finish reason is `interrupted`, the same that a
# connection lost in the middle has. Neither the answer nor the words of the error are anywhere in the result.
# Who retries on `interrupted` asks, and pays, again and again; whoever hunts for a cut looks at the wrong hop.
# The body on the wire says it all.
#
# Tried 2026-12-01 with Node 20:
#   chat, a stream: stop, "Hi", errors: 0
#   chat, a stream that was cut: interrupted, "Hi", errors: 0
#   chat, a whole answer: interrupted, "", errors: 0
#   chat, an error: interrupted, "", errors: 0
#   responses, a whole answer: interrupted, "", errors: 0
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" ai@7.0.173 @ai-sdk/openai@4.0.118
cat > "$place/ask.mjs" <<'NODE'
import http from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const envelope = { id: "chatcmpl-1", created: 1795000000, model: "gpt-m" };
const chunk = (delta, finish_reason) => ({
  ...envelope, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }],
});
const stream = [chunk({ role: "assistant", content: "Hi" }, null), chunk({}, "stop")].map((one) => JSON.stringify(one));
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const message = { role: "assistant", content: "Hi", refusal: null };
const completion = {
  ...envelope, object: "chat.completion", choices: [{ index: 0, message, logprobs: null, finish_reason: "stop" }], usage,
};
const item = {
  id: "msg_1", type: "message", role: "assistant", status: "completed",
  content: [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }],
};
const response = {
  id: "resp_1", object: "response", created_at: 1795000000, status: "completed", model: "gpt-m", error: null,
  incomplete_details: null, output: [item], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
};
const error = { error: { message: "out of credits", type: "insufficient_quota", param: null, code: "insufficient_quota" } };
const sse = (payloads) => ["text/event-stream", payloads.map((data) => `data: ${data}\n\n`).join("")];
const answers = {
  "chat, a stream": sse([...stream, "[DONE]"]),
  "chat, a stream that was cut": sse([stream[0]]),
  "chat, a whole answer": ["application/json", JSON.stringify(completion)],
  "chat, an error": ["application/json", JSON.stringify(error)],
  "responses, a whole answer": ["application/json", JSON.stringify(response)],
};
let answer;
const server = http.createServer((request, reply) => {
  request.resume();
  reply.writeHead(200, { "content-type": answer[0] });
  reply.end(answer[1]);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const openai = createOpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${server.address().port}/v1` });
for (const name of Object.keys(answers)) {
  answer = answers[name];
  const model = name.startsWith("chat") ? openai.chat("gpt-m") : openai.responses("gpt-m");
  let errors = 0, text = "";
  const said = streamText({ model, prompt: "hi", maxRetries: 0, onError: () => void (errors += 1) });
  for await (const part of said.textStream) text += part;
  console.log(`${name}: ${await said.finishReason}, ${JSON.stringify(text)}, errors: ${errors}`);
}
server.close();
NODE
(cd "$place" && node ask.mjs) | tee "$place/said"
sed -n 's/^#   \(.*, errors: .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
