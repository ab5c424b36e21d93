import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { control } from '../../src/control/index.ts';
import { Celery, chord, group, Worker } from '../../src/index.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { queueName } from '../support/roads.ts';

const REDIS = process.env['CELERIAC_TEST_REDIS'];
if (REDIS === undefined) console.warn('skipped: CELERIAC_TEST_REDIS is not set');

/* What waits in the broker for its time is found by a revoke: in its own time it might come when all workers that knew are gone. */

const stores = {
  redis: () => `${REDIS}/9`,
  sqlite: () => {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-eta-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return `sqlite:///${folder}/eta.db`;
  },
};

test.each(REDIS === undefined ? (['sqlite'] as const) : (['redis', 'sqlite'] as const))(
  '%s: a revoked task that waits for its eta ends as revoked at once, and does not run after all workers were restarted',
  async (kind) => {
    const queue = queueName();
    const url = stores[kind]();
    const app = new Celery('proj', { broker: url, backend: url, taskDefaultQueue: queue, log: silentLogger });
    const runs: string[] = [];
    const note = app.task('proj.note', (name: string) => void runs.push(name));
    const all = app.task('proj.all', (names: unknown[]) => names.length);
    const start = (): Promise<Worker> => new Worker(app, { hostname: `w-${newId()}@host`, concurrency: 2 }).start();
    const workers = [await start()];
    onTestFinished(async () => {
      await Promise.all(workers.map((worker) => worker.stop({ mode: 'cold' })));
      await app.close();
    });
    const eta = new Date(Date.now() + 3_600_000);
    const revoked = await note.applyAsync(['revoked'], { eta });
    const kept = await note.applyAsync(['kept'], { eta });
    const body = await chord(group(note.s('now'), note.s('part').set({ eta, taskId: `${queue}-part` })), all.s()).delay();
    await expect.poll(() => runs, { timeout: 10_000 }).toEqual(['now']);
    if (kind === 'redis') await expect.poll(() => parkedOf([revoked.id, kept.id, `${queue}-part`]), { timeout: 10_000 }).toHaveLength(3);
    await control(app).revoke([revoked.id, `${queue}-part`]);
    await expect(revoked.get({ timeout: 10 })).rejects.toThrow(/revoked/);
    // It is not merely called revoked: it is gone, and has been counted.
    await expect(body.get({ timeout: 10 })).rejects.toThrow(new RegExp(`Dependency ${queue}-part raised TaskRevokedError`));
    if (kind === 'redis') expect(await parkedOf([revoked.id, kept.id, `${queue}-part`])).toEqual([kept.id]);
    await workers[0]!.stop();
    workers.push(await start());
    await note.delay('after');
    await expect.poll(() => runs, { timeout: 20_000 }).toEqual(['now', 'after']);
    if (kind === 'redis') expect(await parkedOf([revoked.id, kept.id, `${queue}-part`])).toEqual([kept.id]);
    await control(app).revoke(kept.id);
    await expect.poll(() => kept.state(), { timeout: 20_000 }).toBe('REVOKED');
  },
  60_000,
);

async function parkedOf(ids: readonly string[]): Promise<readonly string[]> {
  const redis = new Redis(`${REDIS}/9`);
  const tags = await redis.zrange('celeriac/eta', '0', '-1');
  redis.disconnect();
  return ids.filter((id) => tags.some((tag) => tag.startsWith(`celeriac/eta/${id}/`)));
}
