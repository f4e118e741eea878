#!/bin/sh
# Node's fetch (undici 7.30.2, openai 7.59.0): an answer that said `Connection: close` may be cut anywhere, and ends
# without an error.
#
# A chunked answer whose connection breaks off lacks HTTP's last chunk. Node's fetch raises for it ("terminated"), but not
# where the answer's head said `Connection: close`, as many small servers and HTTP/1.0-minded proxies do: undici then
# takes whatever came for the whole, half an event too. openai-node, which reads by fetch, hands out half an answer and
# says nothing. Node's own http module and openai-python raise in both cases, so two clients of one server disagree about
# whether it failed. Who looks for a cut by its exception alone finds none; only a missing finish_reason or [DONE] tells.
# (Bun 1.4.5 and Deno 2.9.6 raise in both cases.)
#
# Tried 2026-11-30 with Node 20.20.2, undici 7.30.2, openai (npm) 7.59.0:
#   undici, keep-alive: raises after 1 chunk
#   undici, close: ends after 1 chunk
#   openai-node, keep-alive: raises after 1 chunk
#   openai-node, close: ends after 1 chunk
#   node:http, keep-alive: raises after 1 chunk
#   node:http, close: raises after 1 chunk
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" undici@7.30.2 openai@7.59.0
cat > "$place/ask.mjs" <<'NODE'
import http from "node:http";
import net from "node:net";
import OpenAI from "openai";
import { fetch } from "undici";

const CHUNK = {
  id: "c", object: "chat.completion.chunk", created: 1795000000, model: "m",
  choices: [{ index: 0, delta: { role: "assistant", content: "half" }, finish_reason: null }],
};
const EVENT = `data: ${JSON.stringify(CHUNK)}\n\n`;

const server = net.createServer((socket) => {
  socket.on("error", () => {});
  let asked = "";
  socket.on("data", (piece) => {
    asked += piece;
    if (!asked.includes("\r\n\r\n")) return;
    const connection = asked.split(" ")[1].startsWith("/close") ? "close" : "keep-alive";
    asked = "";
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: ${connection}\r\n`);
    socket.write(`Transfer-Encoding: chunked\r\n\r\n${EVENT.length.toString(16)}\r\n${EVENT}\r\n`);
    setTimeout(() => socket.end(), 100);
  });
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const base = `http://127.0.0.1:${server.address().port}`;

const ways = {
  undici: async (url, seen) => {
    for await (const piece of (await fetch(url)).body) seen(piece);
  },
  "openai-node": async (url, seen) => {
    const client = new OpenAI({ apiKey: "none", baseURL: url, maxRetries: 0, fetch });
    const stream = await client.chat.completions.create({ model: "m", messages: [], stream: true });
    for await (const chunk of stream) seen(chunk);
  },
  "node:http": async (url, seen) => {
    const response = await new Promise((ok, no) => http.get(url, ok).on("error", no));
    for await (const piece of response) seen(piece);
  },
};
for (const [name, way] of Object.entries(ways))
  for (const connection of ["keep-alive", "close"]) {
    let count = 0;
    let end = "ends";
    try {
      await way(`${base}/${connection}`, () => count++);
    } catch {
      end = "raises";
    }
    console.log(`${name}, ${connection}: ${end} after ${count} chunk`);
  }
server.close();
NODE
node "$place/ask.mjs" | tee "$place/said"
sed -n 's/^#   \(.*: \(raises\|ends\) after .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
