#!/bin/sh
# openai-node 7.59.0: `Retry-After: 60` is waited out, upon `Retry-After: 61` it asks again at once.
#
# A server that is over its limit says how long to stay away (RFC 9110, section 10.2.3). openai-node takes the value up
# to a minute; above, it is dropped whole and the client's own backoff starts at half a second: who asks for more peace
# gets the least. openai-python and both SDKs of Anthropic wait as told. A server or gateway that limits these clients
# says 60 at most, and says it again.
#
# Tried 2026-11-28 with Node 24.21.0, openai 7.59.0, @anthropic-ai/sdk 1.14.0 (a reply is waited for 10 s here):
#   openai, 60: waits
#   openai, 61: asks again within 2 s
#   @anthropic-ai/sdk, 61: waits
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
npm init -y > init
npm install --silent node@24.21.0 > installed
PATH="$place/node_modules/.bin:$PATH" npm install --silent openai@7.59.0 @anthropic-ai/sdk@1.14.0 > installed
cat > ask.mjs <<'NODE'
import http from "node:http";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const asked = { model: "m", messages: [{ role: "user", content: "hello" }], stream: true };
const clients = {
  openai: (baseURL) => new OpenAI({ apiKey: "none", baseURL }).chat.completions.create(asked),
  "@anthropic-ai/sdk": (baseURL) => new Anthropic({ apiKey: "none", baseURL }).messages.create({ max_tokens: 9, ...asked }),
};

async function between(client, seconds) {
  const times = [];
  let again;
  const second = new Promise((resolve) => (again = resolve));
  const server = http.createServer((request, response) => {
    times.push(Date.now());
    if (times.length > 1) again();
    response.writeHead(429, { "content-type": "application/json", "retry-after": seconds });
    response.end('{"error": {"message": "too many requests", "type": "rate_limit_error"}}');
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  client(`http://127.0.0.1:${server.address().port}`).catch(() => {});
  await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 10_000))]);
  if (times.length < 2) return "waits";
  return times[1] - times[0] < 2_000 ? "asks again within 2 s" : `asks again after ${times[1] - times[0]} ms`;
}

for (const [name, seconds] of [["openai", "60"], ["openai", "61"], ["@anthropic-ai/sdk", "61"]])
  console.log(`${name}, ${seconds}: ${await between(clients[name], seconds)}`);
process.exit(0);
NODE
node_modules/.bin/node ask.mjs | tee said
diff said - <<'EXPECTED'
openai, 60: waits
openai, 61: asks again within 2 s
@anthropic-ai/sdk, 61: waits
EXPECTED
