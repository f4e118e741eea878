// @openai/agents run(..., {stream:true}) over OpenAIChatCompletionsModel or OpenAIResponsesModel; agent stops on the first tool.
import { main, use, PROMPT, MODEL, KEY, RETRIES, toolSchema, isStrict, asArgs } from './common.mjs';

async function run(job, out) {
  const A = await use('@openai/agents');
  const { default: OpenAI } = await use('openai');
  A.setTracingDisabled(true);
  const client = new OpenAI({ baseURL: job.base_url, apiKey: KEY, ...RETRIES });
  const model = new A[job.api === 'responses' ? 'OpenAIResponsesModel' : 'OpenAIChatCompletionsModel'](client, MODEL);
  const tools = (job.tools || []).map((n) => A.tool({ name: n, description: n, parameters: { ...toolSchema(isStrict(job, n)), required: [] }, strict: isStrict(job, n), execute: async () => 'done' }));
  const agent = new A.Agent({ name: 'a', instructions: 'x', model, tools, toolUseBehavior: 'stop_on_first_tool' });
  const r = await A.run(agent, PROMPT, { stream: true });
  for await (const ev of r) {
    if (ev.type === 'raw_model_stream_event') {
      out.n_chunks++;
      if (ev.data.type === 'output_text_delta') out.text += ev.data.delta;
    }
  }
  await r.completed;
  if (r.error) throw r.error;
  const resp = r.rawResponses[r.rawResponses.length - 1];
  let text = ''; const calls = [];
  for (const it of resp.output) {
    if (it.type === 'message') text += it.content.map((p) => p.text ?? '').join('');
    else if (it.type === 'function_call') calls.push({ id: it.callId, name: it.name, arguments: asArgs(it.arguments) });
    else if (it.type === 'reasoning') out.reasoning = [...(it.rawContent || []), ...(it.content || [])].map((p) => p.text ?? '').join('');
  }
  out.text = text; out.tool_calls = calls;
  const u = resp.usage; out.usage = u ? { prompt_tokens: u.inputTokens || null, completion_tokens: u.outputTokens || null, total_tokens: u.totalTokens || null } : null;
}
await main('js-openai-agents', ['@openai/agents', 'openai'], run, { apis: ['chat', 'responses'], warm: ['@openai/agents', 'openai'] });
