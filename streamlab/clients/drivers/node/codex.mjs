// @openai/codex: `codex exec`, headless, with a provider of its own and no account; what it prints as JSON lines.
import fs from 'node:fs';
import path from 'node:path';
import { main, PROMPT, MODEL, KEY } from './common.mjs';
import { failed, headless, packageOf } from './headless.mjs';

function program() {
  const vendor = path.join(packageOf('@openai', 'codex', 'vendor'), 'vendor');
  const places = fs.readdirSync(vendor).flatMap((triple) => ['bin', 'codex'].map((place) => path.join(vendor, triple, place, 'codex')));
  const found = places.find((one) => fs.existsSync(one));
  if (!found) throw new Error(`${vendor} holds no program`);
  return found;
}

async function run(job, out) {
  const retries = process.env.CLIENT_RETRIES === 'shipped' ? '' : ',request_max_retries=0,stream_max_retries=0';
  const provider = `{name="replay",base_url=${JSON.stringify(job.base_url)},wire_api="responses",env_key="REPLAY_KEY"${retries}}`;
  const settings = { 'model_providers.replay': provider, model_provider: 'replay', model: MODEL, 'analytics.enabled': 'false',
    check_for_update_on_startup: 'false', 'history.persistence': 'none' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const args = ['exec', '--json', '--ephemeral', '--skip-git-repo-check', '--sandbox', 'read-only', ...options, PROMPT];
  let why = null;
  const said = [], thought = [];
  const code = await headless(program(), (folder) => ({ args, env: { CODEX_HOME: folder, REPLAY_KEY: KEY, RUST_LOG: 'off' } }), (event) => {
    out.n_chunks++;
    const item = event.type === 'item.completed' ? event.item : null;
    if (item?.type === 'agent_message') said.push(item.text);
    if (item?.type === 'reasoning') thought.push(item.text);
    if (event.type === 'turn.completed') out.usage = event.usage;
    if (event.type === 'turn.failed') why = event.error?.message ?? 'the turn failed';
    out.text = said.join(''); out.reasoning = thought.join('');
  });
  if (why !== null || code !== 0) throw failed(why ?? `codex ended with ${code}`);
}
await main('js-codex', ['@openai/codex'], run, { apis: ['responses'] });
