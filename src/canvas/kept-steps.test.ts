import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeJson, encodeJson } from '../protocol/json-text.ts';
import type { Value } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import { encodeTaskBody, KeptSteps, nextStep, readBodyText, readTaskBody, taskBodyValue, type Embed } from '../protocol/task-message.ts';
import { compile, type CompileContext } from './compile.ts';

const context = (): CompileContext => {
  let n = 0;
  return { newId: () => `new-${(n += 1)}`, now: 0, origin: 'here', chords: 'store', parent: { id: 'parent', rootId: 'root', priority: null } };
};

/** All messages that follow from a body, as they are sent. */
function following(embed: Embed): readonly Value[] {
  const { step, rest } = nextStep(embed)!;
  const { publish } = compile({ ...step, options: rest === null ? step.options : { ...step.options, chain: rest } }, context());
  return publish.map(({ message, route }) => {
    const text = encodeTaskBody(message);
    expect(decodeJson(encodeJson(taskBodyValue(message)))).toEqual(decodeJson(text));
    return [message.headers, decodeJson(text), route as Value];
  });
}

const call = (task: string, of: Partial<SignatureData> = {}): SignatureData => signatureData({ task, ...of });
const leaf = fc
  .record({
    name: fc.constantFrom('a', 'b'),
    args: fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 2 }),
    id: fc.uuid(),
    immutable: fc.boolean(),
    errback: fc.boolean(),
  })
  .map(({ name, args, id, immutable, errback }) =>
    call(name, { args: args as Value[], immutable, options: { task_id: id, ...(errback ? { link_error: [call('eb')] } : null) } }),
  );
const { tree } = fc.letrec<{ tree: SignatureData }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc
      .array(tie('tree'), { minLength: 1, maxLength: 3 })
      .map((tasks) => call('celery.group', { subtask_type: 'group', kwargs: { tasks }, options: { task_id: `group of ${tasks.length}` } })),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((tasks) => call('celery.chain', { subtask_type: 'chain', kwargs: { tasks } })),
    fc
      .tuple(fc.array(tie('tree'), { minLength: 1, maxLength: 3 }), leaf)
      .map(([header, body]) => call('celery.chord', { subtask_type: 'chord', kwargs: { header, body } })),
  ),
}));

test('steps that are passed on as text give the same messages as steps that were read', () => {
  let asText = 0;
  fc.assert(
    fc.property(fc.array(tree, { minLength: 1, maxLength: 4 }), (chain) => {
      const text = encodeTaskBody({ args: [1], kwargs: {}, embed: { callbacks: null, errbacks: null, chain, chord: null } });
      const { embed } = readBodyText(text);
      if (nextStep(embed)!.rest instanceof KeptSteps) asText += 1;
      expect(following(embed)).toEqual(following(readTaskBody(decodeJson(text)).embed));
    }),
    { numRuns: 300 },
  );
  expect(asText).toBeGreaterThan(20);
});

test('a list of chunks among the steps is made a group by whoever sends it on, as ever', () => {
  const chunks = call('celery.chunks', { kwargs: { task: call('a'), it: [[1], [2]], n: 1 } });
  const text = encodeTaskBody({
    args: [],
    kwargs: {},
    embed: { callbacks: null, errbacks: null, chain: [chunks, call('b', { options: { task_id: 'b' } })], chord: null },
  });
  const [sent] = following(readBodyText(text).embed);
  expect(sent).toEqual(following(readTaskBody(decodeJson(text)).embed)[0]);
  expect(encodeJson(sent!)).toContain('celery.group');
});

test('kept steps that somebody writes down stand for themselves', () => {
  const kept = new KeptSteps('[{"task":"a","args":[1]}]');
  expect(decodeJson(encodeJson({ chain: kept.value }))).toEqual(decodeJson(encodeJson({ chain: [call('a', { args: [1] })] })));
});

test('a chain whose steps were text at every hop runs all of them, in order', () => {
  const steps = Array.from({ length: 30 }, (_, i) => call(`step ${i}`, { args: [`"}],${i}\\`], options: { task_id: `id ${i}` } }));
  let text = encodeTaskBody({ args: [], kwargs: {}, embed: { callbacks: null, errbacks: null, chain: steps.toReversed(), chord: null } });
  const ran: unknown[] = [];
  for (let next = nextStep(readBodyText(text).embed); next !== undefined; next = nextStep(readBodyText(text).embed)) {
    const { step, rest } = next;
    ran.push([step.task, step.args[0]]);
    const { publish } = compile({ ...step, options: rest === null ? step.options : { ...step.options, chain: rest } }, context());
    text = encodeTaskBody(publish[0]!.message);
  }
  expect(ran).toEqual(steps.map(({ task, args }) => [task, args[0]]));
});
