#!/bin/sh
# http-proxy 1.18.1 (so http-proxy-middleware 2.0.12, webpack-dev-server 5.2.7): when the client goes, the model goes on.
#
# A user presses stop, the client closes its connection, and a model server that sees it close stops writing, and
# charging. http-proxy waits for `aborted` on the client's request, which Node 16 and later do not emit once the body has
# come, as that of a POST has when its answer streams: it reads the answer to its end, for nobody. So "stop" works without
# the proxy, and with it only looks as if. http-proxy-middleware 3 (on the same http-proxy), http-proxy-3, Vite,
# @fastify/http-proxy, express-http-proxy and Hono's proxy() let go at once. One line helps, where http-proxy's events can
# be reached: destroy what comes from the server when the client's response closes.
#
# Tried 2026-11-30 with Node 20.20.2 (16.20.2 and 24.21.0 are alike), http-proxy 1.18.1, http-proxy-middleware 2.0.12 and
# 3.0.11, webpack-dev-server 5.2.7, http-proxy-3 1.23.3, vite 6.4.6, @fastify/http-proxy 11.6.3, express-http-proxy 2.1.2,
# hono 4.13.19; the client leaves behind the third of thirty events, which come 0.1 s apart:
#   none: stopped
#   http-proxy: all 30 events
#   http-proxy, closed by hand: stopped
#   http-proxy-middleware 2: all 30 events
#   webpack-dev-server: all 30 events
#   http-proxy-middleware 3: stopped
#   http-proxy-3: stopped
#   vite: stopped
#   @fastify/http-proxy: stopped
#   express-http-proxy: stopped
#   hono: stopped
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
npm install --silent --no-audit --no-fund --prefix "$place" http-proxy@1.18.1 two@npm:http-proxy-middleware@2.0.12 \
    three@npm:http-proxy-middleware@3.0.11 webpack-dev-server@5.2.7 webpack@5 http-proxy-3@1.23.3 vite@6.4.6 \
    fastify@5.12.8 @fastify/http-proxy@11.6.3 express@5.3.0 express-http-proxy@2.1.2 hono@4.13.19 \
    @hono/node-server@2.1.9
cat > "$place/leave.mjs" <<'JS'
import { once } from "node:events"
import http from "node:http"

const EVENTS = 30
let answer

const model = http.createServer((request, response) => {
  const mine = answer
  let sent = 0
  request.resume()
  response.writeHead(200, { "content-type": "text/event-stream" })
  const timer = setInterval(() => {
    response.write(`data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${sent}"}}]}\n\n`)
    if (++sent === EVENTS) response.end("data: [DONE]\n\n")
  }, 100)
  response.on("close", () => {
    clearInterval(timer)
    mine.over(sent === EVENTS ? `all ${EVENTS} events` : "stopped")
  })
})
const listening = async (server) => {
  await once(server.listen(0, "127.0.0.1"), "listening")
  return server
}
await listening(model)
const target = `http://127.0.0.1:${model.address().port}`

const express = async (middleware) => {
  const app = (await import("express")).default()
  app.use(middleware)
  return listening(http.createServer(app))
}
const relays = {
  none: async () => model,
  "http-proxy": async () => {
    const proxy = (await import("http-proxy")).default.createProxyServer({ target })
    return listening(http.createServer((request, response) => proxy.web(request, response)))
  },
  "http-proxy, closed by hand": async () => {
    const proxy = (await import("http-proxy")).default.createProxyServer({ target })
    proxy.on("proxyRes", (from, request, response) => response.on("close", () => from.destroy()))
    return listening(http.createServer((request, response) => proxy.web(request, response)))
  },
  "http-proxy-middleware 2": async () =>
    express((await import("two")).default.createProxyMiddleware({ target, logLevel: "silent" })),
  "webpack-dev-server": async () => {
    const { default: webpack } = await import("webpack")
    const { default: Server } = await import("webpack-dev-server")
    const compiler = webpack({ mode: "none", entry: "data:text/javascript,1", stats: "none", infrastructureLogging: { level: "none" } })
    const proxy = [{ context: ["/v1"], target, logLevel: "silent" }]
    const server = new Server({ host: "127.0.0.1", port: "auto", proxy, hot: false, liveReload: false }, compiler)
    await server.start()
    return server.server
  },
  "http-proxy-middleware 3": async () => express((await import("three")).createProxyMiddleware({ target })),
  "http-proxy-3": async () => {
    const proxy = (await import("http-proxy-3")).createProxyServer({ target })
    return listening(http.createServer((request, response) => proxy.web(request, response)))
  },
  vite: async () => {
    const { createServer } = await import("vite")
    const options = { host: "127.0.0.1", port: 0, ws: false, proxy: { "/v1": { target } } }
    const server = await createServer({ configFile: false, logLevel: "silent", root: process.argv[2], server: options })
    await server.listen()
    return server.httpServer
  },
  "@fastify/http-proxy": async () => {
    const app = (await import("fastify")).default()
    app.register((await import("@fastify/http-proxy")).default, { upstream: target })
    await app.listen({ host: "127.0.0.1", port: 0 })
    return app.server
  },
  "express-http-proxy": async () => express((await import("express-http-proxy")).default(target)),
  hono: async () => {
    const { Hono } = await import("hono")
    const { proxy } = await import("hono/proxy")
    const { serve } = await import("@hono/node-server")
    const app = new Hono()
    app.all("*", (context) => proxy(target + context.req.path, context.req))
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 })
    await once(server, "listening")
    return server
  },
}

for (const [name, start] of Object.entries(relays)) {
  const { port } = (await start()).address()
  const over = new Promise((done) => (answer = { over: done }))
  const headers = { "content-type": "application/json" }
  const request = http.request({ host: "127.0.0.1", port, path: "/v1/chat/completions", method: "POST", headers })
  request.on("error", () => {})
  request.end(JSON.stringify({ model: "m", messages: [], stream: true }))
  const [response] = await once(request, "response")
  response.on("error", () => {})
  let events = 0
  response.on("data", () => ++events === 3 && request.destroy())
  console.log(`${name}: ${await over}`)
}
process.exit()
JS
node --no-warnings "$place/leave.mjs" "$place" | tee "$place/said"
sed -n 's/^#   \(.*: \(stopped\|all 30 events\)\)$/\1/p' "$0" > "$place/expected"
cmp -s "$place/expected" "$place/said" || { echo "the behaviour changed"; exit 1; }
