import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Some workers that are killed and started again, and a record of who was killed when. */
export interface Fleet {
  readonly killedAt: ReadonlyMap<number, number>;
  /** SIGKILL to one of those that are ready, at random; another takes its place. Waits while none is. */
  killOne(): Promise<void>;
  /** Lines of finished runs so far. */
  ended(): number;
  output(): string;
  stop(): Promise<void>;
}

export async function startFleet(size: number, env: Readonly<Record<string, string>>, options: readonly string[] = []): Promise<Fleet> {
  const killedAt = new Map<number, number>();
  const workers = new Set<ChildProcess>();
  const ready = new Set<ChildProcess>();
  let count = 0;
  let output = '';
  const startOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const args = [
        'dist/cli/main.js',
        '-A',
        env['CHAOS_TASKS'] ?? 'test/chaos/tasks.ts',
        'worker',
        '-n',
        `chaos${(count += 1)}@host`,
        '-c',
        '10',
        '-l',
        'info',
        ...options,
      ];
      const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
      workers.add(child);
      let isReady = false;
      child.stderr.on('data', (chunk: Buffer) => {
        const text = chunk.toString();
        if (!isReady && / ready\./.test(text)) {
          isReady = true;
          ready.add(child);
          resolve();
        }
        output = (
          output +
          text
            .split('\n')
            .filter((line) => !/ received$| succeeded in /.test(line))
            .join('\n')
        ).slice(-20_000);
      });
      child.on('exit', (code) => {
        workers.delete(child);
        ready.delete(child);
        if (!isReady) reject(new Error(`a worker ended with ${code} before it was ready:\n${output}`));
      });
    });
  await Promise.all(Array.from({ length: size }, startOne));
  return {
    killedAt,
    async killOne() {
      while (ready.size === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      const victims = [...ready];
      const victim = victims[Math.floor(Math.random() * victims.length)]!;
      killedAt.set(victim.pid!, Date.now());
      victim.kill('SIGKILL');
      ready.delete(victim);
      startOne().catch((error: unknown) => (output += String(error)));
    },
    ended: () =>
      readdirSync(env['CHAOS_LOGS']!).reduce((sum, file) => sum + (readFileSync(join(env['CHAOS_LOGS']!, file), 'utf8').match(/^E /gm)?.length ?? 0), 0),
    output: () => output,
    async stop() {
      const ends = [...workers].map((child) => new Promise((resolve) => child.on('exit', resolve)));
      for (const child of workers) child.kill('SIGTERM');
      const late = setTimeout(() => [...workers].forEach((child) => child.kill('SIGKILL')), 20_000);
      await Promise.all(ends);
      clearTimeout(late);
    },
  };
}
