// openai-node, raw stream, accumulated as the OpenAI docs show (function-calling guide: index-keyed object).
import { main, use, PROMPT, MODEL, KEY, RETRIES, openaiTools, asArgs } from './common.mjs';

async function run(job, out) {
  const { default: OpenAI } = await use('openai');
  const client = new OpenAI({ baseURL: job.base_url, apiKey: KEY, ...RETRIES });
  if (job.api === 'completions') {
    for await (const c of await client.completions.create({ model: MODEL, prompt: PROMPT, stream: true })) {
      out.n_chunks++; if (c.usage) out.usage = c.usage; if (!c.choices.length) continue;
      out.text += c.choices[0].text; if (c.choices[0].finish_reason) out.finish_reason = c.choices[0].finish_reason;
    }
    return;
  }
  if (job.api === 'responses') {
    for await (const ev of await client.responses.create({ model: MODEL, input: PROMPT, stream: true })) {
      out.n_chunks++;
      if (ev.type === 'response.output_text.delta') out.text += ev.delta;
      else if (ev.type === 'response.output_item.done' && ev.item.type === 'function_call') out.tool_calls.push({ id: ev.item.call_id, name: ev.item.name, arguments: ev.item.arguments });
      else if (['response.completed', 'response.incomplete', 'response.failed'].includes(ev.type)) { out.finish_reason = ev.response.status; out.usage = ev.response.usage; }
    }
    return;
  }
  const stream = await client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: PROMPT }], stream: true, ...(job.tools?.length ? { tools: openaiTools(job) } : {}) });
  const final = {};
  for await (const chunk of stream) {
    out.n_chunks++;
    if (chunk.usage) out.usage = chunk.usage;
    if (!chunk.choices.length) continue;              // documented: the usage chunk has choices []
    const { delta, finish_reason } = chunk.choices[0];
    out.text += delta.content || '';
    out.reasoning += delta.reasoning_content || delta.reasoning || '';
    for (const tc of delta.tool_calls || []) {
      const { index } = tc;
      if (!final[index]) final[index] = tc; else final[index].function.arguments += tc.function.arguments;
      out.tool_calls = Object.values(final).map((t) => ({ id: t.id, name: t.function?.name, arguments: asArgs(t.function?.arguments) }));
    }
    if (finish_reason) out.finish_reason = finish_reason;
  }
  for (const t of Object.values(final)) JSON.parse(t.function.arguments);      // documented next step of every tool loop
}
await main('js-openai-raw', ['openai'], run, { apis: ['chat', 'completions', 'responses'], warm: ['openai'] });
