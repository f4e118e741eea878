// @anthropic-ai/sdk: messages.stream(), its accumulator.
import { main, use, PROMPT, MODEL, KEY, RETRIES, toolSchema, asArgs } from './common.mjs';

async function run(job, out) {
  const { default: Anthropic } = await use('@anthropic-ai/sdk');
  const client = new Anthropic({ baseURL: job.base_url.replace(/\/v1$/, ''), apiKey: KEY, ...RETRIES });
  const tools = (job.tools || []).map((name) => ({ name, description: name, input_schema: toolSchema() }));
  const s = client.messages.stream({ model: MODEL, max_tokens: 1024, messages: [{ role: 'user', content: PROMPT }], ...(tools.length ? { tools } : {}) });
  s.on('text', (d, snap) => { out.text = snap; });
  for await (const _ of s) out.n_chunks++;
  const m = await s.finalMessage();
  out.text = m.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
  out.reasoning = m.content.filter((b) => b.type === 'thinking').map((b) => b.thinking).join('');
  out.tool_calls = m.content.filter((b) => b.type === 'tool_use').map((b) => ({ id: b.id, name: b.name, arguments: asArgs(b.input) }));
  out.finish_reason = m.stop_reason; out.usage = m.usage;
}
await main('js-anthropic-stream', ['@anthropic-ai/sdk'], run, { apis: ['messages'], warm: ['@anthropic-ai/sdk'] });
