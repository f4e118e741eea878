// One stream read by one reader: `node node_readers.mjs FOLDER READER URL` prints a line of JSON an event.
import {createRequire} from 'node:module'
import {pathToFileURL} from 'node:url'
const [folder, reader, url] = process.argv.slice(2)
const require = createRequire(folder + '/x.js')
const load = (name) => import(pathToFileURL(require.resolve(name)).href)
const start = performance.now()
const say = (data) => console.log(JSON.stringify({data, at: Math.round(performance.now() - start) / 1000}))
const readers = {
  async eventsource() {
    const {EventSource} = await load('eventsource')
    const source = new EventSource(url)
    source.onmessage = (event) => say(event.data)
  },
  async 'eventsource-parser'() {
    const {createParser} = await load('eventsource-parser')
    const parser = createParser({onEvent: (event) => say(event.data)})
    const decoder = new TextDecoder()
    for await (const piece of (await fetch(url)).body) parser.feed(decoder.decode(piece, {stream: true}))
  },
  async '@microsoft/fetch-event-source'() {
    globalThis.document = {hidden: false, addEventListener() {}, removeEventListener() {}}
    globalThis.window = globalThis
    const {fetchEventSource} = await load('@microsoft/fetch-event-source')
    await fetchEventSource(url, {onmessage: (event) => say(event.data), onerror(error) { throw error }})
  },
  async 'eventsource-client'() {
    const {createEventSource} = await load('eventsource-client')
    createEventSource({url, onMessage: (event) => say(event.data)})
  },
  async 'openai-node'() {
    const {_iterSSEMessages} = await load('openai/core/streaming')
    for await (const event of _iterSSEMessages(await fetch(url), new AbortController())) say(event.data)
  },
}
await readers[reader]()
