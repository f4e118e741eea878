// LangChain JS ChatAnthropic.stream(), chunks concat()ed.
import { main, use, PROMPT, MODEL, KEY, RETRIES, toolSchema, asArgs } from './common.mjs';

async function run(job, out) {
  const { ChatAnthropic } = await use('@langchain/anthropic');
  let llm = new ChatAnthropic({ model: MODEL, apiKey: KEY, ...RETRIES, maxTokens: 1024, streamUsage: true, anthropicApiUrl: job.base_url.replace(/\/v1$/, '') });
  if (job.tools?.length) llm = llm.bindTools(job.tools.map((name) => ({ name, description: name, input_schema: toolSchema() })));
  let full = null;
  for await (const ch of await llm.stream(PROMPT)) {
    out.n_chunks++;
    full = full ? full.concat(ch) : ch;
    const blocks = Array.isArray(full.content) ? full.content : [];
    out.text = full.text;
    out.reasoning = blocks.filter((b) => b.type === 'thinking').map((b) => b.thinking ?? '').join('');
    out.tool_calls = [...(full.tool_calls || []).map((c) => ({ id: c.id, name: c.name, arguments: asArgs(c.args) })),
      ...(full.invalid_tool_calls || []).map((c) => ({ id: c.id, name: c.name, arguments: asArgs(c.args), invalid: true }))];
    out.finish_reason = full.response_metadata?.stop_reason ?? full.additional_kwargs?.stop_reason ?? null;
    out.usage = full.usage_metadata;
  }
}
await main('js-langchain-anthropic', ['@langchain/anthropic', '@langchain/core', '@anthropic-ai/sdk'], run, { apis: ['messages'], warm: ['@langchain/anthropic'] });
