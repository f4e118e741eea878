#!/bin/sh
# openai-node 7.59.0, @anthropic-ai/sdk 1.14.0: `timeout` stops counting when a stream's headers have come.
#
# The same option of the same vendors' Python SDKs bounds every silence inside the stream, so there a second of it is
# the end. In Node the timer is cleared with the headers: a stream that falls silent afterwards is waited for, as long
# as Node's own fetch does. A relay that sends headers at once takes the timeout of its Node callers away with them, and
# pauses that Python users report are not seen from Node. A caller in Node needs a timer and an AbortSignal beside it.
#
# Tried 2026-11-28 with Node 24.21.0, openai 7.59.0 and @anthropic-ai/sdk 1.14.0, and in Python 3.11 openai 3.57.0;
# timeout 1 s, no retries; the server sends the first event, is silent for 3 s and sends the rest:
#   openai, headers late: APIConnectionTimeoutError
#   openai, silent in the stream: all 2 events
#   @anthropic-ai/sdk, headers late: APIConnectionTimeoutError
#   @anthropic-ai/sdk, silent in the stream: all 2 events
#   openai-python, silent in the stream: APITimeoutError
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check openai==3.57.0
cd "$place"
npm init -y > init
npm install --silent node@24.21.0 > installed
PATH="$place/node_modules/.bin:$PATH" npm install --silent openai@7.59.0 @anthropic-ai/sdk@1.14.0 > installed
cat > ask.py <<'PYTHON'
import sys

import openai

client = openai.OpenAI(api_key="none", base_url=sys.argv[1], max_retries=0, timeout=1)
try:
    asked = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    print(f"all {len(list(client.chat.completions.create(**asked)))} events")
except openai.APIError as error:
    print(type(error).__name__)
PYTHON
cat > ask.mjs <<'NODE'
import { execFile } from "node:child_process";
import http from "node:http";
import { promisify } from "node:util";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const asked = { model: "m", messages: [{ role: "user", content: "hello" }], stream: true };
const options = (baseURL) => ({ apiKey: "none", baseURL, maxRetries: 0, timeout: 1_000 });
const clients = {
  openai: (base) => new OpenAI(options(base)).chat.completions.create(asked),
  "@anthropic-ai/sdk": (base) => new Anthropic(options(base)).messages.create({ max_tokens: 9, ...asked }),
};
const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
const chunk = (delta, finish_reason) =>
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const usage = { input_tokens: 1, output_tokens: 1 };
const message = { id: "m", type: "message", role: "assistant", model: "m", content: [], stop_reason: null, usage };
const pause = () => new Promise((resolve) => setTimeout(resolve, 3_000));

const server = http.createServer(async (request, response) => {
  request.resume();
  if (request.url.startsWith("/late")) await pause();
  response.writeHead(200, { "content-type": "text/event-stream" });
  const claude = request.url.endsWith("/messages");
  response.write(claude ? event({ type: "message_start", message }) : chunk({ role: "assistant", content: "hello" }, null));
  await pause();
  response.end(claude ? event({ type: "message_stop" }) : chunk({}, "stop") + "data: [DONE]\n\n");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const base = `http://127.0.0.1:${server.address().port}`;

for (const [name, client] of Object.entries(clients))
  for (const [where, told] of [["late", "headers late"], ["silent", "silent in the stream"]]) {
    let count = 0;
    try {
      for await (const _ of await client(`${base}/${where}`)) count += 1;
      console.log(`${name}, ${told}: all ${count} events`);
    } catch (error) {
      console.log(`${name}, ${told}: ${error.constructor.name}`);
    }
  }
const python = await promisify(execFile)("venv/bin/python", ["ask.py", `${base}/silent`]);
process.stdout.write(`openai-python, silent in the stream: ${python.stdout}`);
process.exit(0);
NODE
node_modules/.bin/node ask.mjs | tee said
diff said - <<'EXPECTED'
openai, headers late: APIConnectionTimeoutError
openai, silent in the stream: all 2 events
@anthropic-ai/sdk, headers late: APIConnectionTimeoutError
@anthropic-ai/sdk, silent in the stream: all 2 events
openai-python, silent in the stream: APITimeoutError
EXPECTED
