import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError, InvalidTaskError } from '../errors.ts';
import { readBodyText } from './body-text.ts';
import { decodeJson, encodeJson } from './json-text.ts';
import type { Value } from './json.ts';
import { encodeTaskBody, endsHere, hasChord, nextStep, readTaskBody, type Embed } from './task-body.ts';
import { KeptSteps } from './kept-steps.ts';

const step = (task: string, args: readonly unknown[] = [], options: object = {}) => ({
  task,
  args,
  kwargs: {},
  options,
  subtask_type: null,
  immutable: false,
});
const embed = (given: object) => ({ callbacks: null, errbacks: null, chain: null, chord: null, ...given });
/** As Python writes it. */
const spaced = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`)
    .join(', ')}}`;
};
const whole = (text: string) => readTaskBody(decodeJson(text));
/** What a body says, everything of it read. */
const said = ({ args, kwargs, embed: { callbacks, errbacks, chain, chord } }: ReturnType<typeof whole>) => ({
  args,
  kwargs,
  callbacks,
  errbacks,
  chain,
  chord,
});
const passedOn = (given: Embed) => {
  const next = nextStep(given)!;
  return { step: next.step, rest: decodeJson(encodeJson(next.rest)) };
};
const isText = ({ embed }: ReturnType<typeof whole>): boolean => embed.follows !== undefined;

test.each([
  ['compact', JSON.stringify],
  ['as Python writes', spaced],
])('only the next step of a chain is read: %s', (_, write) => {
  const chain = [step('last', ['"]}\\', '\\"[{', 'é\u{1F600}']), step('then', [{ callbacks: [] }]), step('next', ['\\', '"', '\\\\"', ']}'])];
  const text = write([[1, 'x'], { y: [2] }, embed({ chain })]);
  const body = readBodyText(text);
  expect(isText(body)).toBe(true);
  const { step: next, rest } = nextStep(body.embed)!;
  expect(next).toEqual(chain[2]);
  expect(rest).toBeInstanceOf(KeptSteps);
  expect(text).toContain((rest as unknown as KeptSteps).json.slice(0, -1));
  expect(passedOn(body.embed)).toEqual(passedOn(whole(text).embed));
  expect(said(body)).toEqual(said(whole(text)));
  expect([endsHere(body.embed), hasChord(body.embed)]).toEqual([false, false]);
});

test('the last step takes nothing along', () => {
  const body = readBodyText(JSON.stringify([[], {}, embed({ chain: [step('only')] })]));
  expect(isText(body)).toBe(true);
  expect(nextStep(body.embed)).toEqual({ step: step('only'), rest: null });
});

test('errbacks are read, the steps are not', () => {
  const text = JSON.stringify([[], {}, embed({ errbacks: [step('eb', ['"chain":['])], chain: [step('b'), step('a')] })]);
  const body = readBodyText(text);
  expect(isText(body)).toBe(true);
  expect(said(body)).toEqual(said(whole(text)));
});

test.each([
  ['compact', JSON.stringify],
  ['as Python writes', spaced],
])('the body of a chord is read when somebody asks for it: %s', (_, write) => {
  const chord = step('body', [], { chain: [step('z', ['}}]']), step('y')] });
  const text = write([[1], {}, embed({ chord })]);
  for (const body of [readBodyText(text), readBodyText(text)]) {
    expect(isText(body)).toBe(true);
    expect(body.embed.chord).toEqual(whole(text).embed.chord);
    expect([endsHere(body.embed), hasChord(body.embed), nextStep(body.embed)]).toEqual([false, true, undefined]);
  }
});

// Each is read as it always was.
test.each<readonly [what: string, text: string]>([
  ['nothing follows', JSON.stringify([[1], {}, embed({})])],
  ['callbacks', JSON.stringify([[], {}, embed({ callbacks: [step('cb')], chain: [step('a')] })])],
  ['a chain and a chord', JSON.stringify([[], {}, embed({ chain: [step('a')], chord: step('b') })])],
  ['no step', JSON.stringify([[], {}, embed({ chain: [] })])],
  ['another order', '[[],{},{"chain":[{"task":"a"}],"callbacks":null,"errbacks":null,"chord":null}]'],
  ['a key more', '[[],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"more":[{"task":"b"}],"chord":null}]'],
  ['a key twice', '[[],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"chain":[{"task":"b"},{"task":"c"}],"chord":null}]'],
  ['a key again, spelt otherwise', String.raw`[[],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"callback\u0073":[{"task":"b"}],"chord":null}]`],
  ['wide numbers in a later step', '[[],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a","args":[NaN,Infinity]},{"task":"b"}],"chord":null}]'],
  ['other whitespace', '[[],{},{"callbacks":null,\n"errbacks":null,"chain":[{"task":"a"}],"chord":null}]'],
  ['whitespace at the end', '[[],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"chord":null}] '],
  [
    'what looks like it among the arguments',
    '[[{"callbacks":null,"errbacks":null,"chain":[]}],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"chord":null}]',
  ],
  ['protocol 1 beneath protocol 2 headers', '{"args":[],"kwargs":{},"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"chord":null}'],
])('what is unusual is read whole: %s', (_, text) => {
  const body = readBodyText(text);
  expect(isText(body)).toBe(false);
  expect(body).toEqual(whole(text));
});

test('what is typed stays as it was written until its turn comes', () => {
  const typed = '{"__type__":"decimal","__value__":"1.10"}';
  const text = `[[${typed}],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"b","args":[12345678901234567890,1.0,${typed}]},{"task":"a","args":[12345678901234567890,${typed}]}],"chord":null}]`;
  const body = readBodyText(text);
  expect(isText(body)).toBe(true);
  expect(said(body)).toEqual(said(whole(text)));
  const { step: next, rest } = nextStep(body.embed)!;
  expect(next.args[0]).toBe(12_345_678_901_234_567_890n);
  expect((rest as unknown as KeptSteps).json).toBe(`[{"task":"b","args":[12345678901234567890,1.0,${typed}]}]`);
});

// No task is run, and what is wrong is said, by the message that carries it.
const broken = (chain: string): string => `[[],{},{"callbacks":null,"errbacks":null,"chain":${chain},"chord":null}]`;
test.each<readonly [what: string, text: string]>([
  ['a later step is no JSON', broken('[{"task":"z" "args":[]},{"task":"a"}]')],
  ['a quote is missing', broken('[{"task":"z},{"task":"a"}]')],
  ['a bracket is missing', broken('[{"task":"z","args":[},{"task":"a"}]')],
  ['a bracket too many', broken('[{"task":"z"}],[{"task":"a"}]')],
  ['a comma too many', broken('[{"task":"z"},,{"task":"a"}]')],
  ['only a backslash', broken(String.raw`["\"},{"task":"a"}]`)],
  ['the next step is no map', broken('[{"task":"z"},7]')],
  ['the next step has no task', broken('[{"task":"z"},{"args":[]}]')],
  ['the next step holds an unknown type', broken('[{"task":"z"},{"task":"a","args":[{"__type__":"nobody","__value__":1}]}]')],
  ['the arguments are no JSON', '[[x],{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"chord":null}]'],
  ['four elements', '[[],{},[],{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"chord":null}]'],
  ['the arguments are no list', '[7,{},{"callbacks":null,"errbacks":null,"chain":[{"task":"a"}],"chord":null}]'],
  ['an errback is none', '[[],{},{"callbacks":null,"errbacks":[7],"chain":[{"task":"a"}],"chord":null}]'],
  ['the chord is no JSON', '[[],{},{"callbacks":null,"errbacks":null,"chain":null,"chord":{"task":"b","args":[}}]'],
  ['the chord is none', '[[],{},{"callbacks":null,"errbacks":null,"chain":null,"chord":{"args":{}}}]'],
  ['nested too deep', broken(`[{"task":"z"},{"task":"a","args":${'['.repeat(5000)}${']'.repeat(5000)}}]`)],
])('malformed: %s', (_, text) => {
  expect(() => readBodyText(text)).toThrow();
  const refused = (read: () => unknown): unknown => {
    try {
      return read();
    } catch (error) {
      return error;
    }
  };
  const error = refused(() => readBodyText(text));
  expect(error instanceof DecodeError || error instanceof InvalidTaskError).toBe(true);
  expect(error).toEqual(refused(() => whole(text)));
});

test('a later step that cannot be understood is an error of the step before it; whoever looks at it before finds it as it came', () => {
  const typed = '{"__type__":"nobody","__value__":1}';
  const body = readBodyText(broken(`[{"task":"c","args":[${typed}]},{"task":"b"},{"task":"a"}]`));
  expect(encodeJson(body.embed.chain![0]!.args)).toBe(`[${typed}]`);
  const { rest } = nextStep(body.embed)!;
  const second = readBodyText(encodeTaskBody({ args: [], kwargs: {}, embed: { ...body.embed, chain: [], kept: rest as unknown as KeptSteps } as Embed }));
  const third = nextStep(second.embed)!.rest as unknown as KeptSteps;
  expect(() => readBodyText(broken(third.json))).toThrow(DecodeError);
});

test('a long text with quotes and brackets without end takes no time', () => {
  for (const piece of ['\\"', '{"', '[', '"}', '\\\\', ']}', '{"a":"']) {
    const text = broken(`[${piece.repeat(200_000)},{"task":"a"}]`);
    const started = performance.now();
    expect(() => readBodyText(text)).toThrow();
    expect(performance.now() - started).toBeLessThan(5000);
  }
});

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Value>;
const awkward = fc.oneof(json, fc.constantFrom<Value>('"}],"chord":null}]', '{"callbacks":null', '\\', '\\"', '],', ', {"task": "x"}', '\u2028é'));
const signature = fc.record({
  task: fc.string({ minLength: 1 }),
  args: fc.array(awkward, { maxLength: 3 }),
  kwargs: fc.dictionary(fc.string(), awkward, { maxKeys: 2 }).map((map) => ({ ...map })),
  options: fc.record({ task_id: fc.uuid(), link: fc.constantFrom<Value>(null, [step('cb', ['"'])] as unknown as Value) }),
  subtask_type: fc.constant(null),
  immutable: fc.boolean(),
});
const bodies = fc.tuple(
  fc.array(awkward, { maxLength: 3 }),
  fc.dictionary(fc.string(), awkward, { maxKeys: 2 }).map((map) => ({ ...map })),
  fc.record({
    callbacks: fc.constantFrom(null, null, null, [step('cb')]),
    errbacks: fc.constantFrom(null, null, [step('eb')]),
    chain: fc.option(fc.array(signature, { maxLength: 4 })),
    chord: fc.option(signature, { freq: 4 }),
  }),
);

test('any body says the same read both ways, and what it passes on is the same', () => {
  let asText = 0;
  fc.assert(
    fc.property(bodies, fc.boolean(), (value, isSpaced) => {
      const text = isSpaced ? spaced(value) : JSON.stringify(value);
      const body = readBodyText(text);
      const full = whole(text);
      if (isText(body)) asText += 1;
      expect([endsHere(body.embed), hasChord(body.embed)]).toEqual([endsHere(full.embed), hasChord(full.embed)]);
      if (nextStep(full.embed) === undefined) expect(nextStep(body.embed)).toBeUndefined();
      else expect(passedOn(body.embed)).toEqual(passedOn(full.embed));
      expect(said(body)).toEqual(said(full));
    }),
    { numRuns: 500 },
  );
  expect(asText).toBeGreaterThan(20);
});
