// LangChain JS ChatOpenAI.stream(), chunks concat()ed.
import { main, use, PROMPT, MODEL, KEY, RETRIES, openaiTools, asArgs } from './common.mjs';

async function run(job, out) {
  const { ChatOpenAI } = await use('@langchain/openai');
  let llm = new ChatOpenAI({ model: MODEL, apiKey: KEY, ...RETRIES, streamUsage: true, useResponsesApi: job.api === 'responses', configuration: { baseURL: job.base_url } });
  if (job.tools?.length) llm = llm.bindTools(openaiTools(job));
  let full = null;
  for await (const ch of await llm.stream(PROMPT)) {
    out.n_chunks++;
    full = full ? full.concat(ch) : ch;
    out.text = full.text; out.reasoning = full.additional_kwargs?.reasoning_content || '';
    out.tool_calls = [...(full.tool_calls || []).map((c) => ({ id: c.id, name: c.name, arguments: asArgs(c.args) })),
      ...(full.invalid_tool_calls || []).map((c) => ({ id: c.id, name: c.name, arguments: asArgs(c.args), invalid: true }))];
    out.finish_reason = full.response_metadata?.finish_reason ?? full.response_metadata?.status ?? null;
    out.usage = full.usage_metadata;
  }
}
await main('js-langchain', ['@langchain/openai', '@langchain/core', 'openai'], run, { apis: ['chat', 'responses'], warm: ['@langchain/openai'] });
