// Vercel AI SDK streamText.  --provider openai (chat, Responses) | compat (@ai-sdk/openai-compatible) | anthropic
import { main, use, PROMPT, MODEL, KEY, RETRIES, toolSchema, isStrict, asArgs } from './common.mjs';
const PROVIDERS = {
  openai: {
    id: 'js-ai-sdk-openai', pkg: '@ai-sdk/openai', apis: ['chat', 'responses'],
    model: ({ createOpenAI }, job) => {
      const p = createOpenAI({ baseURL: job.base_url, apiKey: KEY });
      return job.api === 'responses' ? p.responses(MODEL) : p.chat(MODEL);
    },
  },
  compat: {
    id: 'js-ai-sdk-compat', pkg: '@ai-sdk/openai-compatible', apis: ['chat'],
    model: ({ createOpenAICompatible }, job) => createOpenAICompatible({ name: 'replay', baseURL: job.base_url, apiKey: KEY, includeUsage: true }).chatModel(MODEL),
  },
  anthropic: {
    id: 'js-ai-sdk-anthropic', pkg: '@ai-sdk/anthropic', apis: ['messages'],
    model: ({ createAnthropic }, job) => createAnthropic({ baseURL: job.base_url, apiKey: KEY })(MODEL),
  },
};
const P = PROVIDERS[process.argv[process.argv.indexOf('--provider') + 1]] || PROVIDERS.openai;

async function run(job, out) {
  const ai = await use('ai');
  const model = P.model(await use(P.pkg), job);
  const tools = Object.fromEntries((job.tools || []).map((n) => {
    const schema = ai.jsonSchema(toolSchema(isStrict(job, n)));
    return [n, ai.tool({ description: n, inputSchema: schema, parameters: schema, ...(isStrict(job, n) ? { strict: true } : {}) })];
  }));
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
await main(P.id, ['ai', P.pkg], run, { apis: P.apis, warm: ['ai', P.pkg] });
