// @anthropic-ai/claude-code: `claude -p`, headless, with a key that is none, stopped after one answer; its JSON lines.
// It may ask once more without streaming, as it does by itself: that is how it takes most faults.
import path from 'node:path';
import { main, PROMPT, KEY, asArgs } from './common.mjs';
import { failed, headless, packageOf } from './headless.mjs';

const MODEL = 'claude-sonnet-5';   // it asks about no model that it does not know

async function run(job, out) {
  const args = ['-p', PROMPT, '--model', MODEL, '--output-format', 'stream-json', '--verbose', '--max-turns', '1'];
  const quiet = ['CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC', 'DISABLE_TELEMETRY', 'DISABLE_AUTOUPDATER', 'DISABLE_ERROR_REPORTING'];
  const settings = Object.fromEntries(quiet.map((name) => [name, '1']));
  if (process.env.CLIENT_RETRIES !== 'shipped') settings.CLAUDE_CODE_MAX_RETRIES = '0';
  const blocks = [];
  let why = null;
  const made = (folder) => ({ args, env: { ...settings, HOME: folder, ANTHROPIC_BASE_URL: job.base_url.replace(/\/v1$/, ''), ANTHROPIC_API_KEY: KEY } });
  const code = await headless(path.join(packageOf('@anthropic-ai', 'claude-code', 'claude'), 'claude'), made, (event) => {
    out.n_chunks++;
    if (event.type === 'assistant' && !event.error) blocks.push(...event.message.content);   // with an error: words about it
    if (event.type === 'result') {
      out.finish_reason = event.stop_reason; out.usage = event.usage;
      why = event.is_error && event.subtype !== 'error_max_turns' ? String(event.result ?? event.subtype) : null;
    }
    out.text = blocks.filter((b) => b.type === 'text').map((b) => b.text).join('');
    out.reasoning = blocks.filter((b) => b.type === 'thinking').map((b) => b.thinking).join('');
    out.tool_calls = blocks.filter((b) => b.type === 'tool_use').map((b) => ({ id: b.id, name: b.name, arguments: asArgs(b.input) }));
  });
  if (why !== null) throw failed(why);
  if (code !== 0 && !out.tool_calls.length) throw failed(`claude ended with ${code}`);   // after a call it counts its turns
}
await main('js-claude-code', ['@anthropic-ai/claude-code'], run, { apis: ['messages'] });
