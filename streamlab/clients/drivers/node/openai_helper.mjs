// openai-node, client.chat.completions.stream() runner (beta.chat.completions.stream in v4).
import { main, use, PROMPT, MODEL, KEY, RETRIES, openaiTools, responsesTools, asArgs } from './common.mjs';

async function run(job, out) {
  const { default: OpenAI } = await use('openai');
  const client = new OpenAI({ baseURL: job.base_url, apiKey: KEY, ...RETRIES });
  if (job.api === 'responses') {
    const s = client.responses.stream({ model: MODEL, input: PROMPT, ...(job.strict?.length ? { tools: responsesTools(job) } : {}) });
    for await (const ev of s) { out.n_chunks++; if (ev.type === 'response.output_text.delta') out.text += ev.delta; }
    const r = await s.finalResponse();
    out.text = r.output_text ?? out.text; out.finish_reason = r.status; out.usage = r.usage;
    out.tool_calls = r.output.filter((i) => i.type === 'function_call').map((i) => ({ id: i.call_id, name: i.name, arguments: i.arguments }));
    return;
  }
  const cc = client.chat.completions.stream ? client.chat.completions : client.beta.chat.completions;
  const s = cc.stream({ model: MODEL, messages: [{ role: 'user', content: PROMPT }], ...(job.tools?.length ? { tools: openaiTools(job) } : {}) });
  s.on('content', (d, snap) => { out.text = snap; });
  for await (const _ of s) out.n_chunks++;
  const r = await s.finalChatCompletion();
  const m = r.choices[0].message;
  out.text = m.content; out.reasoning = m.reasoning_content || m.reasoning || '';
  out.tool_calls = (m.tool_calls || []).map((t) => ({ id: t.id, name: t.function.name, arguments: asArgs(t.function.arguments) }));
  out.finish_reason = r.choices[0].finish_reason; out.usage = r.usage;
}
await main('js-openai-stream', ['openai'], run, { apis: ['chat', 'responses'], warm: ['openai'] });
