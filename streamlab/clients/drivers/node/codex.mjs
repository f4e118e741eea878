// @openai/codex: `codex exec`, headless, with a provider of its own and no account; what it prints as JSON lines.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { main, PROMPT, MODEL, KEY } from './common.mjs';

const SCOPE = path.join(process.env.CLIENT_PKG || process.cwd(), 'node_modules', '@openai');
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

// The program itself and not its wrapper in JavaScript, so that ending it ends all of it.
function program() {
  const home = fs.readdirSync(SCOPE).find((name) => name.startsWith('codex-') && fs.existsSync(path.join(SCOPE, name, 'vendor')));
  if (!home) throw new Error(`no package of ${SCOPE}/codex is for this system`);
  for (const triple of fs.readdirSync(path.join(SCOPE, home, 'vendor'))) {
    for (const place of ['bin', 'codex']) {
      const found = path.join(SCOPE, home, 'vendor', triple, place, 'codex');
      if (fs.existsSync(found)) return found;
    }
  }
  throw new Error(`${SCOPE}/${home} holds no program`);
}

async function run(job, out) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streamlab-codex-'));
  const retries = process.env.CLIENT_RETRIES === 'shipped' ? '' : ',request_max_retries=0,stream_max_retries=0';
  const provider = `{name="replay",base_url=${JSON.stringify(job.base_url)},wire_api="responses",env_key="REPLAY_KEY"${retries}}`;
  const settings = { 'model_providers.replay': provider, model_provider: 'replay', model: MODEL, 'analytics.enabled': 'false',
    check_for_update_on_startup: 'false', 'history.persistence': 'none' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(program(), ['exec', '--json', '--ephemeral', '--skip-git-repo-check', '--sandbox', 'read-only', ...options, PROMPT], {
    cwd: folder, stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, CODEX_HOME: folder, REPLAY_KEY: KEY, RUST_LOG: 'off' },
  });
  running.add(child);
  const left = new Promise((resolve, reject) => { child.on('error', reject); child.on('close', (code, signal) => resolve(code ?? signal)); });
  let failed = null;
  const said = [], thought = [];
  try {
    for await (const line of readline.createInterface({ input: child.stdout })) {
      let event;
      try { event = JSON.parse(line); } catch { continue; }
      out.n_chunks++;
      const item = event.type === 'item.completed' ? event.item : null;
      if (item?.type === 'agent_message') said.push(item.text);
      if (item?.type === 'reasoning') thought.push(item.text);
      if (event.type === 'turn.completed') out.usage = event.usage;
      if (event.type === 'turn.failed') failed = event.error?.message ?? 'the turn failed';
      out.text = said.join(''); out.reasoning = thought.join('');
    }
    const code = await left;
    if (failed !== null || code !== 0) throw Object.assign(new Error(failed ?? `codex ended with ${code}`), { name: 'TurnFailed', stack: '' });
  } finally {
    running.delete(child);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
await main('js-codex', ['@openai/codex'], run, { apis: ['responses'] });
