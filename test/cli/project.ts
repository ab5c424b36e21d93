import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const main = join(root, 'dist', 'cli', 'main.js');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A project of somebody's, in a folder of its own, with this package installed as npm would: the built one, as users have it. */
export class Project implements AsyncDisposable {
  readonly dir: string;
  readonly #running: Running[] = [];

  constructor(files: Readonly<Record<string, string>>, type?: 'module' | 'commonjs') {
    if (!existsSync(main)) throw new Error('dist/ is not built: run node scripts/ready.mjs');
    this.dir = mkdtempSync(join(tmpdir(), 'celeriac-cli-'));
    mkdirSync(join(this.dir, 'node_modules'));
    symlinkSync(root, join(this.dir, 'node_modules', 'celeriac'));
    const manifest = JSON.stringify({ name: 'somebody', ...(type === undefined ? {} : { type }) });
    for (const [name, text] of Object.entries({ 'package.json': manifest, ...files })) {
      mkdirSync(dirname(join(this.dir, name)), { recursive: true });
      writeFileSync(join(this.dir, name), text);
    }
  }

  /** Runs the command to its end; `input` is what it reads. What the folder is called is left out of what it said. */
  run(argv: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Ran {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...argv], {
      cwd: this.dir,
      env: environment(env),
      input,
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { code: status, out: this.#shown(stdout), err: this.#shown(stderr) };
  }

  /** Starts a command that goes on. Its stderr can be an open file. */
  start(argv: readonly string[], env: Readonly<Record<string, string>> = {}, stderr: 'pipe' | number = 'pipe'): Running {
    const running = new Running(spawn(process.execPath, [main, ...argv], { cwd: this.dir, env: environment(env), stdio: ['ignore', 'pipe', stderr] }));
    this.#running.push(running);
    return running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((running) => running.kill()));
    rmSync(this.dir, { recursive: true, force: true });
  }

  #shown(text: string): string {
    return text.replaceAll(this.dir, '<dir>');
  }
}

/** A command that goes on: what it says can be waited for. */
export class Running {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  out = '';
  err = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.ended = new Promise((resolve) => void child.on('close', (code) => resolve(code)));
  }

  /** Resolves with the match when it has said this, on stderr or stdout; rejects when it ends without, or takes too long. */
  async said(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    const look = (): RegExpExecArray | null => pattern.exec(this.err) ?? pattern.exec(this.out);
    const until = performance.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== null) return found;
      if (this.#child.exitCode !== null || performance.now() > until)
        throw new Error(`it never said ${String(pattern)}.\nstdout:\n${this.out}\nstderr:\n${this.err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** Ours without what would decide for the project where its broker is. */
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('CELERY_') && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(kept), ...more };
}
