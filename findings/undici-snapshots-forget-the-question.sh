#!/bin/sh
# undici 8.13.1: a SnapshotAgent behind the fetch of Node 22 or 24 keeps each request's body as "[object
# AsyncGenerator]", and plays the answer to one question back for another.
#
# `SnapshotAgent` records answers and replays them; a request is the one that was recorded if method, address, headers
# and body are the same. Node's fetch hands over a body as text to an agent that says that it mocks (`isMockActive`),
# and as a generator to others, and what undici 8 wraps around an agent for the fetch of Node 24 and older does not pass
# that word on. So `String(body)` is the same for every question, and two are told apart by `content-length` alone, if
# they are of different lengths and no option (`matchHeaders`, `ignoreHeaders`) leaves that out. What is asked of a
# model is all in the body, and openai-node sends by Node's fetch: a test that runs in another order, or asks something
# new of the same length, gets an answer that was given to something else, and passes or fails by it without a word.
# What was asked is not in the file either. undici 7.30.2, the fetch of undici 8 given to the client (`new
# OpenAI({fetch})`) and Node 26 tell the questions apart, and a new one raises.
#
# Tried 2026-11-30 with undici 8.13.1 and 7.30.2, openai (npm) 7.59.0 on Node 24.21.0 and 26.10.0 (22.23.3 is as 24):
#   node 24.21.0, undici-8, Node's fetch, Sweden? -> answer to: Norway?
#   node 24.21.0, undici-8, Node's fetch, Norway? -> answer to: Sweden?
#   node 24.21.0, undici-8, Node's fetch, Mexico? -> answer to: Sweden?
#   node 24.21.0, undici-8, Node's fetch, questions in the file: [object AsyncGenerator]
#   node 26.10.0, undici-8, Node's fetch, Sweden? -> answer to: Sweden?
#   node 26.10.0, undici-8, Node's fetch, Norway? -> answer to: Norway?
#   node 26.10.0, undici-8, Node's fetch, Mexico? -> raises
#   node 26.10.0, undici-8, Node's fetch, questions in the file: Norway? Sweden?
#   node 24.21.0, undici-8, undici's fetch, Sweden? -> answer to: Sweden?
#   node 24.21.0, undici-8, undici's fetch, Norway? -> answer to: Norway?
#   node 24.21.0, undici-8, undici's fetch, Mexico? -> raises
#   node 24.21.0, undici-8, undici's fetch, questions in the file: Norway? Sweden?
#   node 24.21.0, undici-7, Node's fetch, Sweden? -> answer to: Sweden?
#   node 24.21.0, undici-7, Node's fetch, Norway? -> answer to: Norway?
#   node 24.21.0, undici-7, Node's fetch, Mexico? -> raises
#   node 24.21.0, undici-7, Node's fetch, questions in the file: Norway? Sweden?
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" openai@7.59.0 undici-8@npm:undici@8.13.1 \
    undici-7@npm:undici@7.30.2
for version in 24.21.0 26.10.0; do
    npm install --silent --no-audit --no-fund --prefix "$place/$version" "node@$version"
done
cat > "$place/ask.mjs" <<'NODE'
import fs from "node:fs";
import http from "node:http";
import OpenAI from "openai";

const [name, whose] = process.argv.slice(2);
const { SnapshotAgent, setGlobalDispatcher, fetch: undicis } = await import(name);
const fetch = whose === "undici's" ? undicis : undefined; // undefined: openai-node takes Node's

const server = http.createServer(async (request, response) => {
  let asked = "";
  for await (const piece of request) asked += piece;
  const content = `answer to: ${JSON.parse(asked).messages[0].content}`;
  const choices = [{ index: 0, delta: { content }, finish_reason: "stop" }];
  const chunk = { id: "c", object: "chat.completion.chunk", created: 1795000000, model: "m", choices };
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

async function ask(content) {
  const client = new OpenAI({ apiKey: "none", baseURL, maxRetries: 0, fetch });
  try {
    const messages = [{ role: "user", content }];
    const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
    let said = "";
    for await (const chunk of stream) said += chunk.choices[0].delta.content;
    return said;
  } catch {
    return "raises";
  }
}

const snapshotPath = `${import.meta.dirname}/${process.version}-${name}-${whose}.json`;
const say = (text) => console.log(`node ${process.versions.node}, ${name}, ${whose} fetch, ${text}`);
for (const [mode, questions] of [
  ["record", ["Norway?", "Sweden?"]],
  ["playback", ["Sweden?", "Norway?", "Mexico?"]],
]) {
  const agent = new SnapshotAgent({ mode, snapshotPath });
  setGlobalDispatcher(agent);
  for (const question of questions) {
    const answer = await ask(question);
    if (mode === "playback") say(`${question} -> ${answer}`);
  }
  await agent.close();
}
const bodies = JSON.parse(fs.readFileSync(snapshotPath)).map(({ snapshot }) => snapshot.request.body);
const questions = bodies.map((body) => (body.startsWith("{") ? JSON.parse(body).messages[0].content : body));
say(`questions in the file: ${questions.join(" ")}`);
server.close();
NODE
{
    for version in 24.21.0 26.10.0; do
        "$place/$version/node_modules/node/bin/node" --no-warnings "$place/ask.mjs" undici-8 "Node's"
    done
    node=$place/24.21.0/node_modules/node/bin/node
    "$node" --no-warnings "$place/ask.mjs" undici-8 "undici's"
    "$node" --no-warnings "$place/ask.mjs" undici-7 "Node's"
} | tee "$place/said"
sed -n "s/^#   \(node .*\)/\1/p" "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
