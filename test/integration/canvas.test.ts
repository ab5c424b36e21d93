import { expect, onTestFinished, test } from 'vitest';
import { Celery, chain, chord, group, Ignore, Signature, type StampingVisitor } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { Worker } from '../../src/worker/worker.ts';

/* Workflows from end to end, on memory: what comes out, and that every one of them ends. */

const WAIT = { timeout: 20 } as const;
/** Where only what comes out matters: the types of what fits what are tested in test/types. */
interface Any {
  delay(): Promise<{ get(options: object): Promise<unknown> }>;
}

async function project() {
  const url = `memory://${crypto.randomUUID()}`;
  const app = new Celery('proj', { broker: url, backend: url, log: silentLogger });
  const called: unknown[][] = [];
  const tasks = {
    add: app.task('proj.add', (x: number, y: number) => x + y),
    inc: app.task('proj.inc', (x: number) => x + 1),
    sum: app.task('proj.sum', (all: number[]) => all.reduce((total, one) => total + one, 0)),
    echo: app.task('proj.echo', (value: unknown) => value as never),
    fail: app.task('proj.fail', (why: string): number => {
      throw new RangeError(why);
    }),
    skip: app.task('proj.skip', (): number => {
      throw new Ignore();
    }),
    note: app.task('proj.note', (...args: unknown[]) => void called.push(args)),
    stamps: app.task('proj.stamps', { bind: true }, (self) => ({ ...self.request.stamps })),
    split: app.task('proj.split', { bind: true }, (self, upTo: number): number[] =>
      self.replace(group(Array.from({ length: upTo }, (_, index) => tasks.inc.s(index))) as never),
    ),
    grow: app.task('proj.grow', { bind: true }, async (self, x: number) => {
      await self.addToChord(chain(tasks.inc.s(x), tasks.inc.s()));
      return x;
    }),
  };
  const worker = new Worker(app, { hostname: 'w1@box', concurrency: 4 });
  onTestFinished(async () => {
    await worker.stop({ mode: 'cold' });
    await app.close();
  });
  await worker.start();
  return { app, called, ...tasks };
}

// features: 4-033 4-053 4-054 4-056 4-060
test('a workflow is made of signatures, which stay as they are; of nothing else', async () => {
  const { add, inc } = await project();
  const left = add.s(1, 1);
  const before = JSON.stringify(left);
  left.pipe(inc.s()).link(inc.s());
  expect(JSON.stringify(left)).toBe(before);
  const both = group(inc.s(1), inc.s(2));
  expect(
    chain()
      .pipe(both as never)
      .toJSON(),
  ).toEqual(both.toJSON());
  expect(chain(add.s(1, 1), inc.s()).pipe(group(inc.s(), inc.s())).tasks).toHaveLength(3);
  expect(both.pipe(group([]) as never).toJSON()).toEqual(both.toJSON());
  expect(() => left.pipe(null as never)).toThrow(/expected a signature.*not null/);
  expect(() => chain(left, 5 as never)).toThrow(TypeError);
});

// features: 4-009 4-010 4-012 4-013
test('a signature travels as an argument and is revived where it arrives', async () => {
  const { app, add, sum } = await project();
  const run = app.task('proj.run', async (written: never) => {
    await Signature.from(written).delay();
    return Signature.from(written).id ?? null;
  });
  const { signature, result } = chord([add.s(1, 1), add.s(2, 2)], sum.s()).freeze({ id: 'known', rootId: 'r' });
  expect(await (await run.delay(signature.toJSON() as never)).get(WAIT)).toBe(signature.id);
  expect(await result.get(WAIT)).toBe(6);
});

// features: 4-023 4-026 4-027 4-040 4-041 4-042 4-043 4-083 4-095
test('partial arguments stand in front; options are merged, stamps and immutability stay', async () => {
  const { add, sum, inc } = await project();
  const fixed = add.si(1, 2).stamp({ tenant: 'a' });
  expect(fixed.clone({ queue: 'q', stamps: { tenant: 'b' } }).options).toMatchObject({ queue: 'q', tenant: 'a', stamped_headers: ['tenant'] });
  expect(await (await fixed.applyAsync([9] as never)).get(WAIT)).toBe(3);
  expect(await (await add.s(2).applyAsync([1])).get(WAIT)).toBe(3);
  expect(
    group(inc.s(), inc.s())
      .set({ immutable: true })
      .tasks.map((member) => member.immutable),
  ).toEqual([true, true]);
  const both = chord([inc.s(), inc.s()], sum.s()).set({ immutable: true });
  expect([both.immutable, both.body!.immutable, ...both.tasks!.map((part) => part.immutable)]).toEqual([false, false, true, true]);
});

// features: 4-024 4-078
test('frozen ids are known before anything is sent; the id of a group is the group’s', async () => {
  const { add, inc } = await project();
  const { signature, result } = chain(add.s(1, 1), inc.s()).freeze({ id: 'last' });
  expect(result.id).toBe('last');
  await signature.delay();
  expect(await result.get(WAIT)).toBe(3);
  const sent = await group(inc.s(1), inc.s(2)).applyAsync({ taskId: 'the-group' });
  expect(sent.id).toBe('the-group');
  expect(await sent.get(WAIT)).toEqual([2, 3]);
});

// features: 4-032 4-038 4-082
test('links: of a chain its last step’s, of a group its first member’s, errbacks of each', async () => {
  const { called, add, inc, note, fail } = await project();
  expect(add.s(1, 1).link(inc.s().link(note.s())).flattenLinks().map(String)).toHaveLength(3);
  await (await chain(add.s(1, 1), inc.s()).link(note.s('chain')).pipe(inc.s()).delay()).get(WAIT);
  await (await group(inc.s(1), inc.s(2)).link(note.s('group')).delay()).get(WAIT);
  await expect.poll(() => called.map((args) => args.at(-1)).sort(), { timeout: 20_000 }).toEqual(['chain', 'group']);
  expect(called.find((args) => args.at(-1) === 'chain')).toEqual([3, 'chain']);
  expect(called.find((args) => args.at(-1) === 'group')).toEqual(['group']);
  const failing = await group(fail.s('a'), fail.s('b'))
    .linkError(note.s('failed') as never)
    .delay();
  await expect(failing.get(WAIT)).rejects.toThrow();
  await expect
    .poll(
      () =>
        called
          .filter((args) => args.at(-1) === 'failed')
          .map(([id]) => id)
          .sort(),
      { timeout: 20_000 },
    )
    .toEqual(failing.results.map(({ id }) => id).sort());
});

// features: 4-039 4-074 4-086
test('a group is made of a generator once, and can be skewed', async () => {
  const { inc } = await project();
  function* calls() {
    for (let x = 0; x < 4; x += 1) yield inc.s(x);
  }
  const made = group(calls());
  expect(made.tasks).toHaveLength(4);
  expect(made.skew(1, 3).tasks.map(({ options }) => options['countdown'])).toEqual([1, 2, 1, 2]);
  expect(await (await made.delay()).get(WAIT)).toEqual([1, 2, 3, 4]);
  expect(await (await made.delay()).get(WAIT)).toEqual([1, 2, 3, 4]);
});

// features: 4-072
test('an empty chain gives null, and nothing is sent', async () => {
  await project();
  expect(await (await chain().delay()).get(WAIT)).toBeNull();
});

// features: 4-005 4-077 4-092 4-097 4-145
test('every nesting gives its values: groups in headers, at the ends of chains, as bodies, of one', async () => {
  const { add, inc, sum, echo } = await project();
  const value = async (workflow: unknown): Promise<unknown> => await (await (workflow as Any).delay()).get(WAIT);
  expect(await value(group(inc.s(1), group(inc.s(2), inc.s(3))))).toEqual([2, 3, 4]);
  expect(await value(chord([chain(inc.s(1), group(inc.s(), inc.s())), inc.s(5)] as never, echo.s()))).toEqual([[3, 3], 6]);
  expect(await value(chord([chord([inc.s(1)], group(sum.s(), sum.s())), inc.s(5)] as never, echo.s()))).toEqual([[2, 2], 6]);
  expect(await value(chain(add.s(1, 1), group(inc.s(), inc.s()), sum.s(), group(inc.s(), inc.s()), sum.s() as never))).toBe(14);
  expect(await value(chain(add.s(1, 1), group(inc.s()), inc.s() as never))).toBe(4);
  expect(await value(group(inc.s(1)).pipe(sum.s()))).toBe(2);
  expect(await value(chord([], sum.s()))).toBe(0);
  expect(
    await value(
      add
        .chunks(
          [
            [1, 1],
            [2, 2],
            [3, 3],
          ],
          2,
        )
        .pipe(echo.s() as never),
    ),
  ).toEqual([[2, 4], [6]]);
  expect(await value(chord([chord([chord([inc.s(1)], sum.s()), inc.s(2)], sum.s()), inc.s(3)], sum.s()).pipe(inc.s()))).toBe(10);
});

// features: 4-069 4-098 4-099 4-101
test('a failure ends everything that waits for it, however deep', async () => {
  const { inc, sum, fail, skip, echo } = await project();
  const error = async (workflow: unknown): Promise<string> => {
    const given = await (await (workflow as Any).delay()).get({ ...WAIT, propagate: false });
    return given instanceof Error ? given.message : `ended well: ${JSON.stringify(given)}`;
  };
  const bad = () => chord([inc.s(1), fail.s('no')], sum.s());
  expect(await error(bad())).toMatch(/^Dependency \S+ raised ValueError\('no'\)$/);
  expect(await error(chord([bad(), inc.s(1)] as never, sum.s() as never))).toMatch(
    /^Dependency \S+ raised ChordError\("Dependency \S+ raised ValueError\('no'\)"\)$/,
  );
  expect(await error(chord([chain(bad(), inc.s(), chord([inc.s(1)], sum.s()) as never), inc.s(1)] as never, sum.s() as never))).toMatch(/ChordError/);
  expect(await error(chord([chain(fail.s('early'), group(inc.s(), inc.s())), inc.s(1)] as never, echo.s()))).toMatch(/early/);
  const both = (await (await bad().pipe(group(inc.s(), inc.s())).delay()).get({ ...WAIT, propagate: false })) as unknown as Error[];
  expect(both.map(({ message }) => message)).toEqual([expect.stringMatching(/no/), expect.stringMatching(/no/)]);
  expect(await error(chain(bad(), inc.s(), group(inc.s(), inc.s()), sum.s() as never))).toMatch(/no/);
  expect(await error(chord([skip.s(), inc.s(1)], sum.s()))).toMatch(/the task was ignored/);
});

// features: 4-109 4-110 4-112 4-113
test('a task that is replaced gives the value of what replaced it, wherever it stood', async () => {
  const { split, sum, inc, grow, echo } = await project();
  expect(await (await split.s(3).delay()).get(WAIT)).toEqual([1, 2, 3]);
  expect(await (await chain(split.s(3), sum.s() as never, inc.s() as never).delay()).get(WAIT)).toBe(7);
  expect(await (await chord([split.s(2), split.s(1)], echo.s()).delay()).get(WAIT)).toEqual([[1, 2], [1]]);
  const grown = (await (await chord([grow.s(10), inc.s(1)], echo.s()).delay()).get(WAIT)) as number[];
  expect([...grown].sort((a, b) => a - b)).toEqual([2, 10, 12]);
});

// features: 4-130 4-131
test('an errback in process hears of a chord’s body too, with the ChordError; neither of what was ignored', async () => {
  const { app, inc, sum, fail, skip } = await project();
  const heard: [string, string][] = [];
  const tell = app.errback('proj.tell', (request: { task: string }, error: Error) => void heard.push([request.task, error.constructor.name]));
  await expect(
    (
      await chord([inc.s(1), fail.s('no')], sum.s())
        .linkError(tell)
        .delay()
    ).get(WAIT),
  ).rejects.toThrow(/no/);
  await expect.poll(() => heard, { timeout: 20_000 }).toEqual([['proj.sum', 'ChordError']]);
  await skip.s().linkError(tell).delay();
  await (await inc.delay(1)).get(WAIT);
  expect(heard).toHaveLength(1);
});

// features: 4-030 4-115 4-116 4-117 4-118 4-119 4-120
test('stamps reach every call of a workflow; a body’s only by a visitor', async () => {
  const { stamps, echo } = await project();
  const all = async (workflow: unknown): Promise<unknown> => await (await (workflow as Any).delay()).get(WAIT);
  expect(await all(stamps.s().stamp({ tenant: 'a' }).stamp({ tenant: 'b' }))).toEqual({ tenant: 'b' });
  expect(await all(stamps.s().stamp({ tenant: 'a' }).stamp({ tenant: 'b' }, { append: true }))).toEqual({ tenant: ['b', 'a'] });
  expect(await all(group(stamps.s(), stamps.s()).pipe(echo.s()).stamp({ tenant: 'a' }))).toEqual([{ tenant: 'a' }, { tenant: 'a' }]);
  const met: string[] = [];
  const visitor: StampingVisitor = {
    onSignature: (signature) => ({ by: signature.task }),
    onGroupStart: () => (met.push('group'), { in: 'group' }),
    onChordBody: () => (met.push('body'), { body: true }),
    onCallback: () => (met.push('callback'), {}),
  };
  expect(
    await all(
      chord([stamps.s()], stamps.si())
        .link(echo.s() as never)
        .stamp(visitor),
    ),
  ).toEqual({ by: 'proj.stamps', in: 'group', body: true });
  expect(met).toEqual(['group', 'body', 'callback']);
  expect(await all(chord([stamps.s()], stamps.si()).stamp({ tenant: 'a' }))).toEqual({});
});

// features: 4-138 4-139
test('a workflow in one line, the module named once', async () => {
  const { add, inc, sum } = await project();
  expect(String(add.s(2, 2))).toBe('proj.add(2, 2)');
  expect(String(chain(add.s(2, 2), inc.s()))).toBe('proj.add(2, 2) | inc()');
  expect(String(group(inc.s(1), inc.s(2)))).toBe('group([proj.inc(1), inc(2)])');
  expect(String(chord([add.s(1, 1)], sum.s()))).toBe('%proj.sum([add(1, 1)])');
  expect(String(inc.map([1, 2]))).toBe('[proj.inc(x) for x in [1, 2]]');
  expect(String(add.starmap([[1, 2]]))).toBe('[proj.add(*x) for x in [[1, 2]]]');
});
