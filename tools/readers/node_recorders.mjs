// One stream read with one recorder or mock: `node node_recorders.mjs FOLDER NAME CLIENT URL FILE PHASE` prints what
// the client got, as JSON. A recorder keeps the stream in FILE (PHASE `record`) or replays it (`playback`); a mock makes
// it up, whole (`whole`) or with a failure behind the second event (`fails`; `fails-chunked`: and says that it is
// chunked).
import {createRequire} from 'node:module'
import path from 'node:path'
import {Readable} from 'node:stream'
import {setTimeout as pause} from 'node:timers/promises'
import {pathToFileURL} from 'node:url'
const [folder, name, client, base, file, phase] = process.argv.slice(2)
const PAUSE_MS = 1_000
const PATIENCE_MS = 10_000
const require = createRequire(folder + '/x.js')
const load = (name) => import(pathToFileURL(require.resolve(name)).href)

const polly = (adapter) => async () => {
  const {Polly} = await load('@pollyjs/core')
  const persister = (await load('@pollyjs/persister-fs')).default
  const options = {adapters: [(await load(adapter)).default], persister, persisterOptions: {fs: {recordingsDir: file}}}
  const recording = new Polly('stream', options)
  return () => recording.stop()
}
const recorders = {
  async bare() {
    return () => {}
  },
  async 'nock.back'() {
    const {default: nock} = await load('nock')
    nock.back.fixtures = path.dirname(file)
    nock.back.setMode('record') // replays what there is, records what there is not
    return (await nock.back(path.basename(file))).nockDone
  },
  'Polly.js, fetch adapter': polly('@pollyjs/adapter-fetch'),
  'Polly.js, node-http adapter': polly('@pollyjs/adapter-node-http'),
  async SnapshotAgent() {
    const {SnapshotAgent, setGlobalDispatcher} = await load('undici')
    const agent = new SnapshotAgent({mode: phase, snapshotPath: file})
    setGlobalDispatcher(agent)
    return () => agent.close()
  },
}

const chunk = (content) => {
  const choices = [{index: 0, delta: {content}, finish_reason: null}]
  return {id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices}
}
async function* events() {
  for (const text of ['one', 'two']) {
    yield new TextEncoder().encode(`data: ${JSON.stringify(chunk(text))}\n\n`)
    await pause(PAUSE_MS)
  }
  if (phase !== 'whole') throw new Error('the upstream is gone')
}
const headers = {'content-type': 'text/event-stream'}
if (phase === 'fails-chunked') headers['transfer-encoding'] = 'chunked'
const asked = new URL(`${base}/chat/completions`)
const mocks = {
  async msw() {
    const {http, HttpResponse} = await load('msw')
    const {setupServer} = await load('msw/node')
    setupServer(http.post(asked.href, () => new HttpResponse(ReadableStream.from(events()), {headers}))).listen()
  },
  async nock() {
    const {default: nock} = await load('nock')
    nock(asked.origin).post(asked.pathname).reply(200, () => Readable.from(events()), headers)
  },
  async MockAgent() {
    const {MockAgent, setGlobalDispatcher} = await load('undici')
    const agent = new MockAgent()
    setGlobalDispatcher(agent)
    const reply = agent.get(asked.origin).intercept({path: asked.pathname, method: 'POST'})
    reply.reply(200, Readable.from(events()), {headers})
  },
}

const start = performance.now()
const texts = []
const at = []
const seen = (text) => {
  texts.push(text)
  at.push(performance.now() - start)
}
const QUESTION = {model: 'm', messages: [{role: 'user', content: 'the question'}], stream: true}
const KEY = 'the-secret-key'
const clients = {
  async fetch() {
    const own = {'content-type': 'application/json', authorization: `Bearer ${KEY}`}
    const response = await fetch(asked, {method: 'POST', headers: own, body: JSON.stringify(QUESTION)})
    for await (const piece of response.body.pipeThrough(new TextDecoderStream()))
      for (const [, text] of piece.matchAll(/"content": *"(\w+)"/g)) seen(text)
  },
  async 'openai-node'() {
    const OpenAI = (await load('openai')).default
    const stream = await new OpenAI({apiKey: KEY, baseURL: base, maxRetries: 0}).chat.completions.create(QUESTION)
    for await (const event of stream) if (event.choices) seen(event.choices[0].delta.content)
  },
}

const done = await {...recorders, ...mocks}[name]()
const late = Symbol('late')
let ended = 'ends'
try {
  const first = await Promise.race([clients[client](), pause(PATIENCE_MS, late)])
  if (first === late) ended = `nothing for ${PATIENCE_MS / 1_000} s`
} catch (error) {
  ended = error.constructor.name
}
await done?.()
console.log(JSON.stringify({texts, gap: at.length ? at.at(-1) - at[0] : 0, ended}))
process.exit()
