// Vercel AI SDK streamText.  --provider openai (chat model) | compat (@ai-sdk/openai-compatible) | responses via --api responses
import { main, use, PROMPT, MODEL, KEY, RETRIES, toolSchema, asArgs } from './common.mjs';
const P = process.argv[process.argv.indexOf('--provider') + 1] || 'openai';

async function run(job, out) {
  const ai = await use('ai');
  let model;
  if (P === 'openai') {
    const { createOpenAI } = await use('@ai-sdk/openai');
    const p = createOpenAI({ baseURL: job.base_url, apiKey: KEY });
    model = job.api === 'responses' ? p.responses(MODEL) : p.chat(MODEL);
  } else {
    const { createOpenAICompatible } = await use('@ai-sdk/openai-compatible');
    model = createOpenAICompatible({ name: 'replay', baseURL: job.base_url, apiKey: KEY, includeUsage: true }).chatModel(MODEL);
  }
  const tools = Object.fromEntries((job.tools || []).map((n) => [n, ai.tool({ description: n, inputSchema: ai.jsonSchema(toolSchema()), parameters: ai.jsonSchema(toolSchema()) })]));
  let err = null; let errored = false;
  const r = ai.streamText({ model, prompt: PROMPT, ...RETRIES, ...(job.tools?.length ? { tools } : {}), onError: (e) => { errored = true; err = err || e.error; } });
  for await (const part of r.fullStream) {
    out.n_chunks++;
    if (part.type === 'text-delta') out.text += part.text ?? part.textDelta ?? part.delta ?? '';
    else if (part.type === 'reasoning-delta' || part.type === 'reasoning') out.reasoning += part.text ?? part.textDelta ?? part.delta ?? '';
    else if (part.type === 'tool-call') out.tool_calls.push({ id: part.toolCallId, name: part.toolName, arguments: asArgs(part.input ?? part.args), ...(part.invalid ? { invalid: true } : {}) });
    else if (part.type === 'finish') { out.finish_reason = part.finishReason; out.usage = part.totalUsage ?? part.usage; if (part.rawFinishReason !== undefined) out.extra = { rawFinishReason: part.rawFinishReason }; }
    else if (part.type === 'error') { errored = true; err = err || part.error; }
  }
  if (errored && !err) { const e = new Error('AI SDK error part without an error value'); e.stack = 'Error\n    at ai-sdk'; throw e; }
  if (err) throw err;                                   // AI SDK reports stream errors as parts: an application must look at them
  await r.finishReason;                                 // rejects with NoOutputGeneratedError when nothing came
}
const pk = P === 'openai' ? '@ai-sdk/openai' : '@ai-sdk/openai-compatible';
await main(P === 'openai' ? 'js-ai-sdk-openai' : 'js-ai-sdk-compat', ['ai', pk], run, { apis: P === 'openai' ? ['chat', 'responses'] : ['chat'], warm: ['ai', pk] });
