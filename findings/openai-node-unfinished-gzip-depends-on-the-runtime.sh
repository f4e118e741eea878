#!/bin/sh
# openai-node 7.59.0 on a compressed stream that its server never closed: on Bun and Deno the whole answer comes and then an
# exception; on Node half an answer ends without one. The runtime decides, and on Node the coding.
#
# A server that compresses a stream flushes its compressor at every event, and has to close it behind the last: gzip's check
# sum comes then. One that forgets, or whose source broke off while its HTTP message was ended properly, sends a body that
# is complete by HTTP and unfinished by its coding. Bun 1.4.5 (ZlibError) and Deno 2.9.6 (unexpected end of file) raise where
# it ends, after all events were handed out, response.completed among them: what has shown the whole answer sees a failed
# request, and asks again. Node 24's fetch and openai-python (httpx) do not look: the same bytes are a clean end, and so is
# half an answer, whose cut nothing but the missing end betrayed. Yet Node does raise ("terminated") where the coding is
# zstd. (Chat is spared where [DONE] has a read of its own: openai-node reads no further.) Who records streams decoded loses
# the only sign of it, and who tests a client on one runtime knows nothing of the others.
#
# Tried 2026-11-30 with openai (npm) 7.59.0 on Node 24.21.0, Bun 1.4.5 and Deno 2.9.6, and with openai (PyPI) 3.57.0:
#   node, gzip, all: "half whole, completed" ends
#   node, gzip, half: "half" ends
#   node, zstd, all: "half whole, completed" raises TypeError: terminated
#   bun, gzip, all: "half whole, completed" raises TypeError: ZlibError
#   bun, gzip, half: "half" raises TypeError: ZlibError
#   bun, zstd, all: "half whole, completed" raises TypeError: ZstdDecompressionError
#   deno, gzip, all: "half whole, completed" raises TypeError: unexpected end of file
#   deno, gzip, half: "half" raises TypeError: unexpected end of file
#   python, gzip, all: "half whole, completed" ends
#   python, gzip, half: "half" ends
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; fi; rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" openai@7.59.0 node@24.21.0 bun@1.4.5 deno@2.9.6
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0
cat > "$place/server.mjs" <<'NODE'
import http from "node:http";
import zlib from "node:zlib";

const events = [];
const say = (type, members) => events.push({ type, sequence_number: events.length, ...members });
const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
const part = { type: "output_text", text: "half whole", annotations: [], logprobs: [] };
const item = { id: "msg_1", type: "message", role: "assistant", status: "completed", content: [part] };
const response = {
  id: "resp_1", object: "response", created_at: 1795000000, model: "m", status: "in_progress", output: [], error: null,
  incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true, temperature: 1, top_p: 1,
  tool_choice: "auto", tools: [],
};
const usage = {
  input_tokens: 1, output_tokens: 2, total_tokens: 3, input_tokens_details: { cached_tokens: 0 },
  output_tokens_details: { reasoning_tokens: 0 },
};
say("response.created", { response });
say("response.in_progress", { response });
say("response.output_item.added", { output_index: 0, item: { ...item, status: "in_progress", content: [] } });
say("response.content_part.added", { ...place, part: { ...part, text: "" } });
say("response.output_text.delta", { ...place, delta: "half", logprobs: [] });
say("response.output_text.delta", { ...place, delta: " whole", logprobs: [] });
say("response.output_text.done", { ...place, text: "half whole", logprobs: [] });
say("response.content_part.done", { ...place, part });
say("response.output_item.done", { output_index: 0, item });
say("response.completed", { response: { ...response, status: "completed", output: [item], usage } });
const COMPRESSORS = { gzip: zlib.createGzip, zstd: zlib.createZstdCompress };

const server = http.createServer(async (request, response) => {
  request.resume();
  const [, coding, much] = request.url.split("/");
  response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": coding });
  const compressor = COMPRESSORS[coding]();
  compressor.on("data", (data) => response.write(data));
  for (const event of much === "all" ? events : events.slice(0, 5)) {
    compressor.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    await new Promise((done) => compressor.flush(done));
    await new Promise((done) => setTimeout(done, 100)); // a read an event
  }
  response.end(); // the compressor is not ended: a flush, and no more
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
NODE
cat > "$place/ask.mjs" <<'NODE'
import OpenAI from "openai";

const [name, port, ...kinds] = process.argv.slice(2);
for (const kind of kinds) {
  const client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/${kind}`, maxRetries: 0 });
  let text = "", end = "ends";
  try {
    const stream = await client.responses.create({ model: "m", input: "hello", stream: true });
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
      if (event.type === "response.completed") text += ", completed";
    }
  } catch (error) {
    end = `raises ${error.constructor.name}: ${error.message.replace(/ fetching .*/s, "")}`;
  }
  console.log(`${name}, ${kind.replace("/", ", ")}: ${JSON.stringify(text)} ${end}`);
}
NODE
cat > "$place/ask.py" <<'PYTHON'
import json
import sys

import openai

port, *kinds = sys.argv[1:]
for kind in kinds:
    client = openai.OpenAI(api_key="none", base_url=f"http://127.0.0.1:{port}/{kind}", max_retries=0)
    text, end = "", "ends"
    try:
        for event in client.responses.create(model="m", input="hello", stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
            if event.type == "response.completed":
                text += ", completed"
    except Exception as error:
        end = f"raises {type(error).__name__}: {error}"
    print(f"python, {kind.replace('/', ', ')}: {json.dumps(text)} {end}")
PYTHON
bin="$place/node_modules/.bin"
"$bin/node" "$place/server.mjs" > "$place/port" &
server=$!
while [ ! -s "$place/port" ]; do sleep 0.1; done
port=$(cat "$place/port")
{
    "$bin/node" "$place/ask.mjs" node "$port" gzip/all gzip/half zstd/all
    "$bin/bun" "$place/ask.mjs" bun "$port" gzip/all gzip/half zstd/all
    "$bin/deno" run --quiet --allow-all "$place/ask.mjs" deno "$port" gzip/all gzip/half
    "$place/venv/bin/python" "$place/ask.py" "$port" gzip/all gzip/half
} 2> "$place/errors" | tee "$place/said"
sed -n 's/^#   //p' "$0" | cmp -s - "$place/said" || { echo "the behaviour changed"; exit 1; }
