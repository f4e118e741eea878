#!/bin/sh
# Node 20's fetch (openai 7.59.0 on it): an answer that said `Connection: close` may be cut anywhere, and ends without an
# error. Node 24's raises.
#
# A chunked answer whose connection breaks off lacks HTTP's last chunk. The fetch of Node 20 and older raises for it
# ("terminated"), but not where the answer's head said `Connection: close`, as many small servers and proxies do: it takes
# whatever came for the whole, half an event too, and openai-node on it hands out half an answer and says nothing. The
# same openai-node on Node 22.23, 24 or 26 raises; so does Node 20's own http module, and openai-python: whether a failure
# is seen depends on the reader's runtime, not on its client. A newer undici installed beside Node 20 does not help by
# itself: its fetch goes by the dispatcher that Node's own fetch had set, once anything had looked at that. (Bun 1.4.5
# and Deno 2.9.6 raise.)
#
# Tried 2026-11-30 with openai (npm) 7.59.0 and undici 7.30.2 on Node 20.20.2 and 24.21.0 (18.20.8 is as 20, 22.23.3 and
# 26.10.0 are as 24):
#   node 20.20.2, fetch, keep-alive: raises after 1 chunk
#   node 20.20.2, fetch, close: ends after 1 chunk
#   node 20.20.2, openai-node, keep-alive: raises after 1 chunk
#   node 20.20.2, openai-node, close: ends after 1 chunk
#   node 20.20.2, undici 7 behind fetch, keep-alive: raises after 1 chunk
#   node 20.20.2, undici 7 behind fetch, close: ends after 1 chunk
#   node 20.20.2, node:http, keep-alive: raises after 1 chunk
#   node 20.20.2, node:http, close: raises after 1 chunk
#   node 24.21.0, fetch, keep-alive: raises after 1 chunk
#   node 24.21.0, fetch, close: raises after 1 chunk
#   node 24.21.0, openai-node, keep-alive: raises after 1 chunk
#   node 24.21.0, openai-node, close: raises after 1 chunk
#   node 24.21.0, undici 7 behind fetch, keep-alive: raises after 1 chunk
#   node 24.21.0, undici 7 behind fetch, close: raises after 1 chunk
#   node 24.21.0, node:http, keep-alive: raises after 1 chunk
#   node 24.21.0, node:http, close: raises after 1 chunk
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" undici@7.30.2 openai@7.59.0
for version in 20.20.2 24.21.0; do
    npm install --silent --no-audit --no-fund --prefix "$place/$version" "node@$version"
done
cat > "$place/ask.mjs" <<'NODE'
import http from "node:http";
import net from "node:net";
import OpenAI from "openai";

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
  fetch: async (url, seen) => {
    for await (const piece of (await fetch(url)).body) seen(piece);
  },
  "openai-node": async (url, seen) => {
    const client = new OpenAI({ apiKey: "none", baseURL: url, maxRetries: 0 });
    const stream = await client.chat.completions.create({ model: "m", messages: [], stream: true });
    for await (const chunk of stream) seen(chunk);
  },
  "undici 7 behind fetch": async (url, seen) => {
    const undici = await import("undici");
    for await (const piece of (await undici.fetch(url)).body) seen(piece);
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
    console.log(`node ${process.versions.node}, ${name}, ${connection}: ${end} after ${count} chunk`);
  }
server.close();
NODE
for version in 20.20.2 24.21.0; do
    "$place/$version/node_modules/node/bin/node" "$place/ask.mjs"
done | tee "$place/said"
sed -n 's/^#   \(node .*: \(raises\|ends\) after .*\)/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
