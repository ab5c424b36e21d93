import { describe, expect, onTestFinished, test } from 'vitest';
import type { SettingsInput } from '../../src/config/settings/index.ts';
import { Celery, chain, chord, ChordError, ContentDisallowed, group } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';
import { queueName, roads } from '../support/roads.ts';

const wait = { timeout: 30 };

/* Results on every store that keeps them, in every format that they can have. */
for (const road of roads.filter(({ sendsResults }) => sendsResults !== true)) {
  describe.skipIf(road.skip !== undefined)(`results on ${road.name}`, { timeout: 60_000 }, () => {
    async function started(settings: SettingsInput) {
      const { broker, backend, close } = road.open();
      const taskDefaultQueue = queueName();
      const open = (own: SettingsInput = {}): Celery => {
        const app = new Celery('proj', { broker, backend, taskDefaultQueue, log: silentLogger, ...settings, ...own });
        onTestFinished(() => app.close());
        return app;
      };
      onTestFinished(close);
      const app = open();
      const gate = { isOpen: false };
      const tasks = {
        add: app.task('proj.add', (x: number, y: number) => x + y),
        echo: app.task('proj.echo', (value: unknown) => value),
        boom: app.task('proj.boom', () => {
          throw new RangeError('ü');
        }),
        waits: app.task('proj.waits', { trackStarted: true }, async () => {
          while (!gate.isOpen) await new Promise((resolve) => setTimeout(resolve, 10));
        }),
      };
      const worker = new Worker(app, { hostname: 'w1@box', concurrency: 10 });
      onTestFinished(() => worker.stop({ mode: 'cold' }));
      await worker.start();
      return { app, open, gate, ...tasks };
    }

    test.each([
      ['json', null],
      ['json', 'zlib'],
      ['msgpack', null],
      ['msgpack', 'zlib'],
      ['yaml', null],
      ['yaml', 'zlib'],
    ])('as %s, compression %s: values, errors and workflows', async (serializer, compression) => {
      const { app, add, echo, boom } = await started({
        resultSerializer: serializer,
        resultCompression: compression,
        resultAcceptContent: [serializer],
        oldestPeer: '5.7',
        resultExtended: true,
      });
      const value = { text: 'ü "x" \n', list: [1, null, -2.5, true, []], long: 'x'.repeat(5000) };
      const pair = chain(add.s(1, 1), group([add.s(1), add.s(2)]));
      const results = await Promise.all([
        echo.delay(value),
        group([add.s(1, 1), echo.s('ü')]).delay(),
        chain(add.s(1, 1), add.s(10)).delay(),
        chord([add.s(1, 1), echo.s(value)], echo.s()).delay(),
        chord([pair, echo.s('e')], echo.s()).delay(),
      ]);
      expect(await Promise.all(results.map((result) => result.get(wait)))).toEqual([value, [2, 'ü'], 12, [2, value], [[3, 4], 'e']]);
      await expect((await boom.delay()).get(wait)).rejects.toThrow('ü');
      await expect((await chord([add.s(1, 1), boom.s()], echo.s()).delay()).get(wait)).rejects.toBeInstanceOf(ChordError);
      expect(await app.AsyncResult(results[0]!.id).meta()).toMatchObject({ name: 'proj.echo', args: [value], retries: 0 });
      const saved = await group([add.s(1, 1), add.s(2, 2)]).delay();
      await saved.save();
      expect(await (await app.GroupResult(saved.id))!.get(wait)).toEqual([2, 4]);
    });

    // features: 5-003
    test('STARTED says who runs it, where taskTrackStarted or the task asks for it', async () => {
      const { waits, gate } = await started({});
      const result = await waits.delay();
      const seen = new Map<string, unknown>();
      for await (const { state, info } of result.updates()) {
        seen.set(state, info);
        gate.isOpen ||= state === 'STARTED';
      }
      expect([...seen]).toEqual([
        ['STARTED', { pid: process.pid, hostname: 'w1@box' }],
        ['SUCCESS', null],
      ]);
    });

    // features: 5-062
    test.skipIf(road.name === 'memory')('are read only in formats of resultAcceptContent, else of acceptContent', async () => {
      const yaml = { resultSerializer: 'yaml', resultAcceptContent: ['yaml'] };
      const { add, open } = await started(yaml);
      const { id } = await add.delay(2, 2);
      expect(await open().AsyncResult(id).get(wait)).toBe(4);
      expect(
        await open({ resultAcceptContent: null, acceptContent: ['json', 'yaml'] })
          .AsyncResult(id)
          .get(wait),
      ).toBe(4);
      for (const refusing of [{ resultAcceptContent: ['json'] }, { resultAcceptContent: null, acceptContent: ['json'] }]) {
        await expect(open(refusing).AsyncResult(id).get(wait)).rejects.toBeInstanceOf(ContentDisallowed);
      }
    });
  });
}

// features: 5-076
test('app.backend says where results are, its password only to those who ask for it', () => {
  const uri = 'redis://me:secret@localhost:6379/1';
  const app = new Celery('proj', { broker: 'memory://', backend: uri, log: silentLogger });
  expect([app.backend.asUri(), app.backend.asUri({ includePassword: true })]).toEqual(['redis://me:**@localhost:6379/1', uri]);
});

// features: 5-094
test('without results, a call is sent, and asking for its result is an error that says so, at once', async () => {
  const app = new Celery('proj', { broker: `memory://${crypto.randomUUID()}`, backend: 'disabled://', log: silentLogger });
  onTestFinished(() => app.close());
  const add = app.task('proj.add', (x: number, y: number) => x + y);
  const worker = new Worker(app, { hostname: 'w1@box' });
  onTestFinished(() => worker.stop({ mode: 'cold' }));
  await worker.start();
  const result = await add.delay(1, 1);
  await expect(result.get(wait)).rejects.toThrow(/this app keeps no results.*resultBackend/s);
  await expect(result.state()).rejects.toThrow(/keeps no results/);
  await expect(chord([add.s(1, 1)], app.signature('proj.sum')).delay()).rejects.toThrow(/chords are not possible with this result backend/);
  expect(app.backend.asUri()).toBe('disabled://');
});
