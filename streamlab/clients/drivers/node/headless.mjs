// Programs that are asked headless and print JSON lines: found in the package for this system, each run with a folder of its own.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

// The package beside SCOPE/NAME that was installed for this system, which holds the program itself: not the wrapper in
// JavaScript, so that ending it ends all of it.
export function packageOf(scope, name, within) {
  const folder = path.join(process.env.CLIENT_PKG || process.cwd(), 'node_modules', scope);
  const found = fs.readdirSync(folder).find((one) => one.startsWith(`${name}-`) && fs.existsSync(path.join(folder, one, within)));
  if (!found) throw new Error(`no package of ${scope}/${name} is for this system`);
  return path.join(folder, found);
}

// Runs it, gives each JSON line to `take`, and returns how it ended. `made(folder)` gives its arguments and variables.
export async function headless(program, made, take) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'streamlab-headless-'));
  const { args, env } = made(folder);
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  running.add(child);
  const left = new Promise((resolve, reject) => { child.on('error', reject); child.on('close', (code, signal) => resolve(code ?? signal)); });
  try {
    for await (const line of readline.createInterface({ input: child.stdout })) {
      let event;
      try { event = JSON.parse(line); } catch { continue; }
      take(event);
    }
    return await left;
  } finally {
    running.delete(child);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

// What it reports itself.
export const failed = (message) => Object.assign(new Error(message), { name: 'TurnFailed', stack: '' });
