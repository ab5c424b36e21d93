import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinkedSet, type Linked } from './linked-set.ts';

class Element implements Linked<Element> {
  in: LinkedSet<Element> | undefined;
  before: Element | undefined;
  after: Element | undefined;
}

test('it is like a Set', () => {
  const elements = Array.from({ length: 6 }, () => new Element());
  const steps = fc.array(fc.tuple(fc.constantFrom('add', 'delete'), fc.nat(5)));
  fc.assert(
    fc.property(steps, (all) => {
      const linked = new LinkedSet<Element>();
      const model = new Set<Element>();
      for (const [step, index] of all) {
        const element = elements[index]!;
        if (step === 'add') {
          linked.add(element);
          model.add(element);
        } else expect(linked.delete(element)).toBe(model.delete(element));
        expect([...linked]).toEqual([...model]);
        expect(linked.size).toBe(model.size);
        expect(linked.first).toBe([...model][0]);
        expect(elements.map((one) => linked.has(one))).toEqual(elements.map((one) => model.has(one)));
      }
      linked.clear();
      expect([linked.size, linked.first]).toEqual([0, undefined]);
    }),
  );
});

test('what is added to another set leaves this one', () => {
  const [from, to, element] = [new LinkedSet<Element>(), new LinkedSet<Element>(), new Element()];
  from.add(element);
  to.add(element);
  expect([from.size, to.size, from.has(element), to.has(element)]).toEqual([0, 1, false, true]);
});

test('what leaves while it is being walked through is left out, and nothing else is', () => {
  const set = new LinkedSet<Element>();
  const [a, b, c] = [new Element(), new Element(), new Element()];
  for (const element of [a, b, c]) set.add(element);
  const seen: Element[] = [];
  for (const element of set) {
    seen.push(element);
    set.delete(a);
    set.delete(b);
  }
  expect(seen).toEqual([a, c]);
});

test('what has left points to nothing', () => {
  const set = new LinkedSet<Element>();
  const [a, b] = [new Element(), new Element()];
  set.add(a);
  set.add(b);
  set.delete(a);
  expect([a.in, a.before, a.after, b.before]).toEqual([undefined, undefined, undefined, undefined]);
});
