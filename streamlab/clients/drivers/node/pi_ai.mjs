// @mariozechner/pi-ai stream(): the LLM layer of the pi coding agent, openai-completions API, custom base URL.
import { main, use, PROMPT, KEY, RETRIES, toolSchema, asArgs } from './common.mjs';

async function run(job, out) {
  const P = await use('@mariozechner/pi-ai');
  const model = { id: 'replay-model', name: 'replay', api: 'openai-completions', provider: 'replay', baseUrl: job.base_url, reasoning: true, input: ['text'],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, contextWindow: 128000, maxTokens: 4096 };
  const tools = (job.tools || []).map((n) => ({ name: n, description: n, parameters: toolSchema() }));
  const s = P.stream(model, { messages: [{ role: 'user', content: PROMPT, timestamp: 0 }], ...(tools.length ? { tools } : {}) }, { apiKey: KEY, ...RETRIES });
  for await (const ev of s) {
    out.n_chunks++;
    if (ev.type === 'text_delta') out.text += ev.delta;
    else if (ev.type === 'thinking_delta') out.reasoning += ev.delta;
  }
  const m = await s.result();
  const blk = (t) => m.content.filter((b) => b.type === t);
  out.text = blk('text').map((b) => b.text).join('');
  out.reasoning = blk('thinking').map((b) => b.thinking).join('');
  out.tool_calls = blk('toolCall').map((b) => ({ id: b.id, name: b.name, arguments: asArgs(b.arguments) }));
  out.finish_reason = m.stopReason;
  if (m.usage && (m.usage.input || m.usage.output)) out.usage = { prompt_tokens: m.usage.input, completion_tokens: m.usage.output, total_tokens: m.usage.totalTokens ?? null };
  if (m.stopReason === 'error' || m.stopReason === 'aborted') { const e = new Error(m.errorMessage || m.stopReason); e.name = 'PiStopReasonError'; e.stack = e.name + '\n    at pi-ai'; throw e; }
}
await main('js-pi-ai', ['@mariozechner/pi-ai', 'openai'], run, { warm: ['@mariozechner/pi-ai'] });
