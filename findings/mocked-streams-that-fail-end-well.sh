#!/bin/sh
# msw 3.0.5, nock 15.0.6: a mocked stream that fails in the middle ends as a whole one, and nothing is raised.
#
# Whoever wants to know what a program does when the model's server breaks off lets a mock's stream fail behind an
# event: a ReadableStream that is errored (MSW), a Readable that is destroyed with an error (nock). Both mocks write the
# answer onto a socket that is none, without a length and without chunks, so that its end is the end of the connection,
# and a failure closes that: there is no telling the two apart. The very stream raises as a plain `Response`, and a
# server's cut raises. So a test of the error path sees none, and one that takes half an answer for the whole passes.
# With `transfer-encoding: chunked` among the mock's headers, which a real stream has, the failure is seen.
#
# Tried 2026-11-30 with msw 3.0.5, nock 15.0.6, openai (npm) 7.59.0 on Node 24.21.0 (26.10.0 is as 24):
#   a plain Response, fetch: raises after 1 event
#   msw, fetch: ends after 1 event
#   msw, openai-node: ends after 1 event
#   msw, chunked, fetch: raises after 1 event
#   msw, chunked, openai-node: raises after 1 event
#   nock, fetch: ends after 1 event
#   nock, openai-node: ends after 1 event
#   nock, chunked, fetch: raises after 1 event
#   nock, chunked, openai-node: raises after 1 event
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" msw@3.0.5 nock@15.0.6 openai@7.59.0 node@24.21.0
cat > "$place/ask.mjs" <<'NODE'
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import OpenAI from "openai";

const BASE = "http://model.invalid/v1";
const PATH = "/v1/chat/completions";
const CHUNK = {
  id: "c", object: "chat.completion.chunk", created: 1795000000, model: "m",
  choices: [{ index: 0, delta: { role: "assistant", content: "half" }, finish_reason: null }],
};

async function* events() {
  yield new TextEncoder().encode(`data: ${JSON.stringify(CHUNK)}\n\n`);
  await pause(100);
  throw new Error("the model is gone");
}

const mocks = {
  msw: async (headers) => {
    const { http, HttpResponse } = await import("msw");
    const { setupServer } = await import("msw/node");
    const told = () => new HttpResponse(ReadableStream.from(events()), { headers });
    setupServer(http.post(BASE + "/chat/completions", told)).listen();
  },
  nock: async (headers) => {
    const { default: nock } = await import("nock");
    nock("http://model.invalid").post(PATH).reply(200, () => Readable.from(events()), headers);
  },
};
const ASKED = { model: "m", messages: [{ role: "user", content: "hello" }], stream: true };
const clients = {
  fetch: async () => (await fetch(BASE + "/chat/completions", { method: "POST", body: JSON.stringify(ASKED) })).body,
  "openai-node": () =>
    new OpenAI({ apiKey: "none", baseURL: BASE, maxRetries: 0 }).chat.completions.create(ASKED),
};

async function read(name, open) {
  let count = 0;
  let end = "ends";
  try {
    for await (const _ of await open()) count++;
  } catch {
    end = "raises";
  }
  console.log(`${name}: ${end} after ${count} event`);
}

const HEADERS = { "content-type": "text/event-stream" };
const [mock, chunked, client] = process.argv.slice(2);
if (mock === "none") await read("a plain Response, fetch", () => new Response(ReadableStream.from(events())).body);
else {
  await mocks[mock](chunked ? { ...HEADERS, "transfer-encoding": "chunked" } : HEADERS);
  await read(`${mock}${chunked && ", chunked"}, ${client}`, clients[client]);
}
NODE
node=$place/node_modules/node/bin/node
{
    "$node" "$place/ask.mjs" none
    for mock in msw nock; do
        for chunked in "" chunked; do
            for client in fetch openai-node; do
                "$node" "$place/ask.mjs" "$mock" "$chunked" "$client"
            done
        done
    done
} | tee "$place/said"
sed -n 's/^#   \(.* after 1 event\)$/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
