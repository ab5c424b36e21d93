import { expect, test } from 'vitest';
import { compile } from '../canvas/compile.ts';
import { CustomTypes } from '../protocol/custom-types.ts';
import { Decimal, type Value } from '../protocol/json.ts';
import { encodeTaskBody, nextStep, readBodyText } from '../protocol/task-message.ts';
import { packed } from './encode.ts';

const context = { newId: () => 'id', now: 0, origin: 'here', chords: 'store' } as const;

/** The message of the next step of a chain that came in that text. */
function following(body: string) {
  const { step, rest } = nextStep(readBodyText(body).embed)!;
  return compile({ ...step, options: { ...step.options, chain: rest } }, context).publish[0]!.message;
}

test('steps that are passed on keep their types that only others know, and are not shown to those of this app', () => {
  const later = '[{"task":"last","args":[{"__type__":"nobody","__value__":"1,2"}],"options":{}}]';
  const next =
    '{"task":"next","args":[{"__type__":"decimal","__value__":"1.5"}],"options":{"link":[{"task":"cb","args":[{"__type__":"decimal","__value__":"2.5"}]}]}}';
  const message = following(`[[],{},{"callbacks":null,"errbacks":null,"chain":${later.slice(0, -1)},${next}],"chord":null}]`);
  const types = new CustomTypes();
  const shown: unknown[] = [];
  const test = (value: unknown): boolean => {
    shown.push(value);
    return value instanceof Decimal;
  };
  types.add({ name: 'encode-test-money', test, encode: (value) => String(value), decode: (value: Value) => value });
  const text = encodeTaskBody(packed(message, types));
  expect(text).toContain(`"chain":${later}`);
  expect(text).toContain('[[{"__type__":"encode-test-money","__value__":"1.5"}],');
  expect(text).toMatch(/"callbacks":\[\{"task":"cb","args":\[\{"__type__":"encode-test-money","__value__":"2\.5"\}\]/);
  expect(shown.map(String)).toEqual(['1.5', '2.5']);
});
