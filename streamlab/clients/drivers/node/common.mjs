// Shared shell of the JavaScript client drivers (same contract as drivers/python/common.py).
//   node driver.mjs BASE_URL [--api chat] [--tools a,b] [--client NAME]
//   node driver.mjs --worker        jobs as JSON lines on stdin
// Packages are resolved from CLIENT_PKG (a node/<project> directory): drivers call use('openai').
import { createRequire } from 'node:module';
import { pathToFileURL, fileURLToPath } from 'node:url';
import path from 'node:path';
import fs from 'node:fs';
import readline from 'node:readline';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const TIMEOUT = Number(process.env.CLIENT_TIMEOUT || 10) * 1000;
export const PROMPT = 'What is the weather in Paris, and what time is it there?';
export const MODEL = 'replay-model';
export const KEY = 'sk-replay-not-a-key';
export const RETRIES = process.env.CLIENT_RETRIES === 'shipped' ? {} : { maxRetries: 0 };   // how often a client asks again
const API = { 'chat.completions': 'chat', 'anthropic.messages': 'messages' };
const PKG = process.env.CLIENT_PKG ? path.resolve(process.env.CLIENT_PKG) : process.cwd();
const require_ = createRequire(path.join(PKG, 'package.json'));

// ESM resolution from PKG: honour "exports" import condition by going through a stub module inside PKG
export async function use(spec) {
  const stub = path.join(PKG, '__use.mjs');
  if (!fs.existsSync(stub)) fs.writeFileSync(stub, 'export default (s) => import(s);\n');
  const m = await import(pathToFileURL(stub).href);
  return m.default(spec);
}
export function version(pkg) {
  try { return JSON.parse(fs.readFileSync(path.join(PKG, 'node_modules', pkg, 'package.json'), 'utf8')).version; } catch { return '?'; }
}
export const toolSchema = (strict) => strict ? { type: 'object', properties: {}, additionalProperties: false, required: [] }
  : { type: 'object', properties: {}, additionalProperties: true };
export const isStrict = (job, name) => (job.strict || []).includes(name);
export const openaiTools = (job) => job.tools.map((n) => ({ type: 'function', function: { name: n, description: n, parameters: toolSchema(isStrict(job, n)), ...(isStrict(job, n) ? { strict: true } : {}) } }));
export const responsesTools = (job) => openaiTools(job).map((one) => ({ type: 'function', ...one.function }));
export const asArgs = (a) => a === undefined || a === null ? null : typeof a === 'string' ? a : JSON.stringify(a);
export function normUsage(u) {
  if (!u || typeof u !== 'object') return null;
  const g = (...ks) => { for (const k of ks) if (u[k] !== undefined && u[k] !== null && !Number.isNaN(u[k])) return u[k]; return null; };
  const r = { prompt_tokens: g('prompt_tokens', 'input_tokens', 'inputTokens', 'promptTokens'), completion_tokens: g('completion_tokens', 'output_tokens', 'outputTokens', 'completionTokens'), total_tokens: g('total_tokens', 'totalTokens') };
  return Object.values(r).some((v) => v !== null) ? r : null;
}
const FIN = { 'tool-calls': 'tool_calls', 'content-filter': 'content_filter' };

function errorIn(e) {
  // the function that threw, skipping runtime internals
  const s = String(e?.stack || '').split('\n').filter((l) => /^\s+at /.test(l));
  const first = s.find((l) => !l.includes('node:') && !l.includes('<anonymous>')) || '';
  return first.includes(HERE) && !first.includes('common.mjs') ? 'driver' : 'library';
}

async function exec(run, job, out) {
  const t0 = Date.now();
  let timer;
  const limit = job.limit_s ? job.limit_s * 1000 : TIMEOUT;
  const hang = new Promise((r) => { timer = setTimeout(() => r('__hang'), limit); });
  let hung = false;
  try {
    const r = await Promise.race([run(job, out).then(() => 'ok'), hang]);
    if (r === '__hang') { hung = true; out.ok = false; out.error_type = 'hang'; out.error = `no end after ${limit / 1000} s`; } else out.ok = true;
  } catch (e) {
    out.ok = false;
    out.error_type = e?.constructor?.name && e.constructor.name !== 'Object' ? (e.name && e.name !== 'Error' ? e.name : e.constructor.name) : typeof e;
    out.error = String(e?.message ?? (typeof e === 'object' ? JSON.stringify(e) : e)).slice(0, 500);
    if (e?.cause?.message) out.error = (out.error + ' | cause: ' + e.cause.message).slice(0, 500);
    out.error_in = errorIn(e);
    const at = String(e?.stack || '').split('\n').find((l) => /^\s+at /.test(l) && !l.includes('node:') && !l.includes('<anonymous>'));
    out.error_at = at ? at.trim().replace(/^at /, '').replace(/file:\/\/\S*\/node_modules\//, '').slice(0, 160) : null;
    if (process.env.CLIENT_TRACE) console.error(e);
  }
  clearTimeout(timer);
  const res = {};
  for (const k of ['client', 'version', 'ok', 'text', 'reasoning', 'tool_calls', 'finish_reason', 'usage', 'n_chunks', 'error_type', 'error', 'error_in', 'error_at', 'hung', 'extra']) res[k] = out[k] ?? null;
  res.hung = hung; res.ok = !!res.ok;
  for (const k of ['text', 'reasoning']) res[k] = res[k] === null ? '' : typeof res[k] === 'string' ? res[k] : JSON.stringify(res[k]);
  res.tool_calls = (res.tool_calls || []).map((t) => ({ ...t, id: t.id ?? null, name: t.name ?? null, arguments: t.arguments ?? null }));
  res.usage = normUsage(res.usage);
  if (typeof res.finish_reason === 'string') res.finish_reason = FIN[res.finish_reason] || res.finish_reason;
  res.elapsed_ms = Date.now() - t0;
  return [res, hung];
}

export async function main(client, pkgs, run, { apis = ['chat'], warm = [] } = {}) {
  const write = (o) => {                                 // whole line, also when the pipe is full (partial write / EAGAIN)
    const buf = Buffer.from(JSON.stringify(o).replace(/[\ud800-\udfff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16)) + '\n');
    for (let off = 0; off < buf.length;) {
      try { off += fs.writeSync(1, buf, off); } catch (e) { if (e.code !== 'EAGAIN') throw e; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); }
    }
  };
  console.log = console.info = console.debug = console.warn = (...a) => console.error(...a);
  const A = process.argv.slice(2);
  const opt = (n, d) => { const i = A.indexOf('--' + n); return i >= 0 ? A[i + 1] : d; };
  client = opt('client', client);
  const ver = pkgs.map((p) => `${p} ${version(p)}`).join(', ');
  for (const w of warm) { try { await use(w); } catch (e) { console.error('warm import failed', w, e); } }
  let uncaught = null;
  process.on('unhandledRejection', (e) => { uncaught = uncaught || e; if (process.env.CLIENT_TRACE) console.error('unhandledRejection', e); });
  process.on('uncaughtException', (e) => { uncaught = uncaught || e; if (process.env.CLIENT_TRACE) console.error('uncaughtException', e); });
  const one = async (job) => {
    uncaught = null;
    job.api = API[job.api] || job.api || 'chat';
    if (!apis.includes(job.api)) return [{ client, version: ver, ok: null, skipped: 'api ' + job.api }, false];
    const out = { client, version: ver, n_chunks: 0, text: '', reasoning: '', tool_calls: [], finish_reason: null, usage: null };
    const r = await exec(run, job, out);
    await new Promise((x) => setImmediate(x));
    if (uncaught) r[0].extra = { ...(r[0].extra || {}), unhandled: `${uncaught?.name || ''}: ${uncaught?.message || uncaught}`.slice(0, 200) };
    return r;
  };
  if (!A.includes('--worker')) {
    const base_url = A.find((a, i) => !a.startsWith('--') && !(i > 0 && A[i - 1].startsWith('--')));
    const [res] = await one({ base_url, api: opt('api', 'chat'), tools: (opt('tools', '') || '').split(',').filter(Boolean) });
    write(res); process.exit(0);
  }
  write({ ready: client, version: ver, apis });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) continue;
    const job = JSON.parse(line);
    const [res, hung] = await one(job);
    res.id = job.id; write(res);
    if (hung) process.exit(3);
  }
  process.exit(0);
}
