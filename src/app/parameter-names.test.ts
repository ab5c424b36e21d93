import assert from 'node:assert/strict';
import { test } from 'vitest';
import { bindArguments } from './arguments.ts';
import { parameterNames, parametersOf } from './parameter-names.ts';

type Fn = (...args: never[]) => unknown;
/** Functions as plain JavaScript text, so that no compiler tidies them first. */
// oxlint-disable-next-line no-eval -- a compiler would tidy a function that is written here.
const js = (source: string): Fn => (0, eval)(`(${source})`) as Fn;

test('reads plain functions, arrows and methods', () => {
  assert.deepEqual(
    parameterNames(function add(x: number, y: number) {
      return x + y;
    }),
    ['x', 'y'],
  );
  assert.deepEqual(
    parameterNames((x: number, y: number) => x + y),
    ['x', 'y'],
  );
  assert.deepEqual(parameterNames(js('x => x')), ['x']);
  assert.deepEqual(parameterNames(js('async x => x')), ['x']);
  assert.deepEqual(parameterNames(js('async /* ( */ (a, b) => a')), ['a', 'b']);
  assert.deepEqual(parameterNames(js('async => async')), ['async']);
  assert.deepEqual(parameterNames(js('function* (a, b) {}')), ['a', 'b']);
  assert.deepEqual(parameterNames(js('() => 1')), []);
  assert.deepEqual(parameterNames(js('({ async run(user, { deep }) {} }).run')), undefined);
  assert.deepEqual(parameterNames(js('({ async run(user, options = {}) {} }).run')), ['user', 'options?']);
  assert.deepEqual(parameterNames(js('({ ["a(b"](x) {} })["a(b"]')), ['x']);
  assert.deepEqual(parameterNames(js('class { async *run(a, ...b) {} }').prototype.run as Fn), ['a', '...b']);
  assert.deepEqual(parameterNames(js('({ get(a) {} }).get')), ['a']);
  assert.deepEqual(parameterNames(js('($a, _b, ünï) => 1')), ['$a', '_b', 'ünï']);
});

test('is not fooled by defaults', () => {
  const cases: [string, string[]][] = [
    ['(a = 1, b = [1, 2], c = { d: 3, e: [4] }) => 1', ['a?', 'b?', 'c?']],
    ['(a = ")", b = "\\"(,", c = `,${"}"}${(x => `)`)(1)}`) => 1', ['a?', 'b?', 'c?']],
    ['(a = (x, y) => x + y, b = function (p, q) { return ","; }) => 1', ['a?', 'b?']],
    ['(a = /[/)(,]\\/"/g, b = 4 / 2 / 1, c = (1) / 2) => 1', ['a?', 'b?', 'c?']],
    ['(a = 1 > 2, b = a => a, c = a >= 1 ? "x" : "y") => 1', ['a?', 'b?', 'c?']],
    ['(a = class { m(x, y) { return ")"; } }, b) => 1', ['a?', 'b']],
    ['(a, b = { ...{} }, ...rest) => 1', ['a', 'b?', '...rest']],
  ];
  for (const [source, names] of cases) assert.deepEqual(parameterNames(js(source)), names, source);
});

test('is not fooled by comments, line breaks and trailing commas', () => {
  assert.deepEqual(parameterNames(js('function /* a( */ add(/* x, */ a, // b, )\n b /* = 1 */, c = /* ) */ 2,\n) {}')), ['a', 'b', 'c?']);
  assert.deepEqual(parameterNames(js('/* head ( */ (a) => 1')), ['a']);
  assert.deepEqual(parameterNames(js('function add(x        , y        )         { return x + y; }')), ['x', 'y']); // types blanked out by Node
  assert.deepEqual(parameterNames(js('function f(a = (cov().b[0][0]++, 1), b = (cov().b[1][0]++, "x")) {}')), ['a?', 'b?']); // coverage
});

test('says undefined instead of guessing', () => {
  assert.equal(parameterNames(((x: number) => x).bind(null)), undefined);
  assert.equal(parameterNames(Math.max), undefined);
  assert.equal(parameterNames(js('({ a, b }) => 1')), undefined);
  assert.equal(parameterNames(js('([a, b]) => 1')), undefined);
  assert.deepEqual(parametersOf(js('(x, { a, b = 1 } = {}) => 1')), [
    { name: 'x', hasDefault: false, isRest: false },
    { name: undefined, hasDefault: true, isRest: false },
  ]);
  assert.equal(parameterNames(new Proxy((x: number) => x, {})), undefined);
  const odd = Object.assign((...all: number[]) => all.length, {});
  assert.deepEqual(parameterNames(odd), ['...all']);
});

test('binds keyword arguments as Python does', () => {
  const declared = ['x', 'y', 'z?'];
  assert.deepEqual(bindArguments({ task: 'add', names: declared, isDeclared: true }, [1], { y: 2 }), [1, 2]);
  assert.deepEqual(bindArguments({ task: 'add', names: declared, isDeclared: true }, [], { z: 3, y: 2, x: 1 }), [1, 2, 3]);
  assert.throws(() => bindArguments({ task: 'add', names: declared, isDeclared: true }, [1], {}), /add\(\) is missing argument 'y'/);
  assert.throws(() => bindArguments({ task: 'add', names: declared, isDeclared: true }, [1, 2], { x: 1 }), /multiple values for argument 'x'/);
  assert.throws(
    () => bindArguments({ task: 'add', names: declared, isDeclared: true }, [1, 2], { w: 1 }),
    /unexpected keyword argument 'w'; its parameters are \(x, y, z\?\)$/,
  );
  assert.throws(() => bindArguments({ task: 'add', names: declared, isDeclared: true }, [1, 2, 3, 4], {}), /takes 3 arguments/);
  assert.deepEqual(bindArguments({ task: 'sum', names: ['a', '...rest'], isDeclared: true }, [1, 2, 3], {}), [1, 2, 3]);
});

test('is lenient where the source cannot tell', () => {
  assert.deepEqual(bindArguments({ task: 'add', names: ['x', 'y'], isDeclared: false }, [1], {}), [1]); // y may be `y?: number`
  assert.deepEqual(bindArguments({ task: 'add', names: ['x', 'y'], isDeclared: false }, [], { y: 2 }), [undefined, 2]);
  assert.deepEqual(bindArguments({ task: 'fact', names: ['n2', 'm'], isDeclared: false }, [], { n: 1, m: 2 }), [1, 2]); // renamed by esbuild
  assert.throws(() => bindArguments({ task: 'f', names: ['n2', 'n3'], isDeclared: false }, [], { n: 1 }), /unexpected keyword argument 'n'.*give `params`/);
  assert.throws(() => bindArguments({ task: 'f', names: ['t', 'e'], isDeclared: false }, [], { user: 1 }), /read from its source/); // minified
});
