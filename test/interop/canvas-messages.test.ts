import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, type CompileContext } from '../../src/canvas/compile.ts';
import { prepend } from '../../src/canvas/signature-data.ts';
import { newId } from '../../src/kernel/ids.ts';
import type { Json, JsonObject, Value } from '../../src/protocol/json.ts';
import { replacement } from '../../src/execution/replace.ts';
import { readSignature, type SignatureData } from '../../src/protocol/signature.ts';
import { fillHeaders, type ReceivedTask, type TaskBody } from '../../src/protocol/task-message.ts';
import { built, randomTree, type Tree } from './canvas-trees.ts';

/*
 * The same workflow written in both languages is the same data, and makes the same messages: those that its caller sends, and those that follow
 * when each of its tasks ends. Python says what it would send; ids are compared by who equals whom.
 */

const python = process.env['CELERIAC_TEST_PYTHON'];
const seeds = Number(process.env['CELERIAC_CANVAS_TREES'] ?? 300);

if (python === undefined) {
  test.skip('canvas messages: the environment variable CELERIAC_TEST_PYTHON (a python with celery) is not set', () => undefined);
} else describe('canvas, as Python sends it', () => compared(python));

function compared(executable: string): void {
  const child = spawn(executable, ['canvas_messages.py'], { cwd: new URL('python', import.meta.url).pathname, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  afterAll(() => void child.kill());
  const ask = async (command: object): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    return JSON.parse((await lines.next()).value as string) as Answer;
  };

  // features: 4-115 4-116 4-117 4-118 4-120
  for (const [name, tree] of Object.entries(STAMPED)) test(`stamps: ${name}`, { timeout: 30_000 }, () => same(tree, ask));
  for (const [place, request] of Object.entries(REQUESTS)) {
    // The others are written otherwise, to the same end: a header as a group or as a list, a link in a chord or in its body, `chain` in a body or a chain as the body.
    for (const [name, tree] of Object.entries(REPLACEMENTS).filter(([name]) => !DATA_DIFFERS.has(`${place} by ${name}`)))
      test(`replace ${place} by ${name}`, { timeout: 30_000 }, () => sameReplacement(tree, request, ask));
  }
  // features: 4-011 4-044 4-045 4-046 4-047 4-048 4-049 4-050 4-051 4-052 4-053 4-055 4-057 4-058 4-059 4-061 4-062 4-077 4-087 4-097
  for (const [name, tree] of Object.entries(SHAPES)) test(name, { timeout: 30_000 }, () => same(tree, ask));

  test(`${seeds} random workflows`, { timeout: 300_000 }, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const tree = randomTree(seed);
      await same(tree, ask).catch((error: Error) => {
        throw new Error(`seed ${seed}, ${JSON.stringify(tree)}: ${error.message}\n${(error as { readonly diff?: string }).diff ?? ''}`, { cause: error });
      });
    }
  });
}

const t = (name: 'add' | 'tsum', ...args: readonly number[]): Tree => ({ k: 'task', name, args });
const [a, b, sum] = [t('add', 1, 1), t('add', 2), t('tsum')];
const chain = (...of: readonly Tree[]): Tree => ({ k: 'chain', of });
const group = (...of: readonly Tree[]): Tree => ({ k: 'group', of });
const chord = (of: readonly Tree[], body: Tree): Tree => ({ k: 'chord', of, body });
const pipe = (left: Tree, right: Tree): Tree => ({ k: 'pipe', left, right });

/** Each line of the table of `|`, and each form that hurt somebody. */
const SHAPES: Readonly<Record<string, Tree>> = {
  'task | task': pipe(a, b),
  'task | chain': pipe(a, chain(b, b)),
  'task | group': pipe(a, group(b, b)),
  'task | group of one': pipe(a, group(b)),
  'task | chord': pipe(a, chord([b, b], sum)),
  'chain | chain': pipe(chain(a, b), chain(b, sum)),
  'chain | chain, a group at the seam': pipe(chain(a, group(b, b)), chain(sum, b)),
  'chain ending in a group | task': pipe(chain(a, group(b, b)), sum),
  'chain ending in a group | group': pipe(chain(a, group(b, b)), group(sum, sum)),
  'chain ending in a chord | task': pipe(chain(a, chord([b, b], sum)), b),
  'chain ending in a chord | chord': pipe(chain(a, chord([b, b], sum)), chord([b, b], sum)),
  'chain ending in a chord | group': pipe(chain(a, chord([b, b], sum)), group(b, b)),
  'empty chain | group': pipe(chain(), group(a, a)),
  'group | task': pipe(group(a, a), sum),
  'group of one | task': pipe(group(a), sum),
  'group | group': pipe(group(a, a), group(sum, sum)),
  'group | chain': pipe(group(a, a), chain(sum, b)),
  'group | chord': pipe(group(a, a), chord([sum, sum], sum)),
  'group | empty group': pipe(group(a, a), group()),
  'chord | task': pipe(chord([a, a], sum), b),
  'chord | chord': pipe(chord([a, a], sum), chord([b, b], sum)),
  'chord | group of one': pipe(chord([a, a], sum), group(b)),
  'chord | group': pipe(chord([a, a], sum), group(b, b)),
  'chord | chain': pipe(chord([a, a], sum), chain(b, b)),
  'chain of groups': chain(group(a, a), group(sum, sum), group(sum, sum), sum),
  'group of one in the middle of a chain': chain(a, group(b), b),
  'group of one at the head of a chain': chain(group(a), b),
  'empty groups in a chain': chain(group(), a, group(), b, group()),
  'empty chain in a group': group(a, chain(), a),
  'empty chain in a header': chord([a, chain(), a], sum),
  'empty header': chord([], sum),
  'header of one': chord([a], sum),
  'groups in a group': group(a, group(a, group(a, a)), a),
  'groups in a header': chord([a, group(t('add', 2, 2), t('add', 3, 3)), t('add', 4, 4)], sum),
  'chain ending in a group, in a header': chord([chain(a, group(b, b)), a], sum),
  'chain ending in a chord, in a header': chord([chain(a, chord([b, b], sum)), a], sum),
  'chord with a group as body, in a header': chord([chord([a, a], group(sum, sum)), a], sum),
  'chord in a chord in a chord': chord([chord([chord([a, a], sum), a], sum), a], sum),
  'chord with a group as body': chord([a, a], group(sum, sum)),
  'chord with a chain as body': chord([a, a], chain(sum, b)),
  'chord with a chord as body': chord([a, a], chord([sum, sum], sum)),
  'chord with a chain of groups as body': chord([a, a], chain(sum, group(b, b), sum)),
  'chain in a group, ending in a group': group(chain(a, group(b, b)), a),
  'nine chords in a chain': chain(...Array.from({ length: 9 }, () => [group(b, b), sum]).flat()),
  'link of a chain': { ...chain(a, b), link: sum, errback: b },
  'errback of a chain that begins with a chord': { ...chain(chord([a, a], sum), chord([b, b], sum), b), errback: b },
  'errback of a chain that begins with a chord that has another in its header': { ...chain(chord([chord([a, a], sum), a], sum), b), errback: b },
  'errback of a chord that has another in its header': { ...chord([chord([a, a], sum), a], sum), errback: b },
  'errback of a chain, a chord with another in its header as the body of one': { ...chain(a, chord([a], chord([chord([a, a], sum), a], sum))), errback: b },
  'link of a chain that goes on': pipe({ ...chain(a, b), link: sum, errback: b }, b),
  'link of a chord': { ...chord([a, a], sum), link: b, errback: b },
  'link of a group': { ...group(a, a), link: b, errback: b },
  'link of a chord whose body is a group': { ...chord([a, a], group(sum, sum)), link: b, errback: b },
  'options of a chain': { ...chain(a, b), set: { queue: 'q' } },
  'options of a group': { ...group(a, a), set: { queue: 'q' } },
  'options of a chord': { ...chord([a, a], sum), set: { queue: 'q' } },
};

const workflow = chain(a, group(b, b), sum, chord([chain(b, b), b], { ...sum, link: b, errback: b }));
const visitor = { signature: { on: 'signature' }, group: { in_group: 'g' }, chain: { in_chain: 'c' }, header: { in_header: 'h' }, body: { in_body: 'b' } };
const STAMPED: Readonly<Record<string, Tree>> = {
  'of a task': { ...a, stamps: [{ with: { tenant: 'a', tags: ['x', 'y'] } }] },
  'of a task, twice': { ...a, stamps: [{ with: { tenant: 'a' } }, { with: { tenant: 'b', other: 1 } }] },
  'of a task, gathered': { ...a, stamps: [{ with: { tenant: 'a' } }, { with: { tenant: 'b' }, append: true }] },
  'of a task, lists gathered': { ...a, stamps: [{ with: { tenant: ['a'] } }, { with: { tenant: ['b'] }, append: true }] },
  'of its links': { ...a, link: b, errback: b, stamps: [{ with: { tenant: 'a' } }] },
  'of its links, by a visitor': { ...a, link: b, errback: b, stamps: [{ visitor: { signature: { s: 1 }, callback: { c: 1 }, errback: { e: 1 } } }] },
  'of a chain': { ...chain(a, b), stamps: [{ with: { tenant: 'a' } }] },
  'of a group': { ...group(a, b), stamps: [{ with: { tenant: 'a' } }] },
  'of a chord': { ...chord([a, b], sum), stamps: [{ with: { tenant: 'a' } }] },
  'of a chord, by a visitor': { ...chord([a, b], sum), stamps: [{ visitor }] },
  'of a chord, by a visitor that knows groups': { ...chord([a, b], sum), stamps: [{ visitor: { signature: { s: 1 }, group: { g: 1 } } }] },
  'of a workflow': { ...workflow, stamps: [{ with: { tenant: 'a' } }] },
  'of a workflow, by a visitor': { ...workflow, stamps: [{ visitor }] },
  'of a workflow, by a visitor and its own': { ...workflow, stamps: [{ visitor, with: { on: 'top', tenant: 'a' } }] },
  'by a visitor that sets options': { ...a, stamps: [{ visitor: { signature: { tenant: 'a', queue: 'q', stamped_headers: ['tenant'] } } }] },
  'inside what is stamped again': { ...chain({ ...a, stamps: [{ with: { tenant: 'inner' } }] }, b), stamps: [{ with: { tenant: 'outer' } }] },
};

/** Where a task stands that is replaced, and what takes its place. */
const written = (name: string, task_id: string, options: JsonObject = {}): JsonObject => ({
  task: `proj.${name}`,
  args: [],
  kwargs: {},
  options: { task_id, ...options },
  subtask_type: null,
  immutable: false,
});
const request = { id: newId(), root_id: newId(), group: null, group_index: null, chord: null, chain: null, callbacks: null, errbacks: null };
const [groupId, errback] = [newId(), { ...written('add', newId()), options: {} }];
const REQUESTS: Readonly<Record<string, JsonObject>> = {
  'a task alone': request,
  'a task with links': { ...request, callbacks: [written('tsum', newId())], errbacks: [errback] },
  'a step of a chain': { ...request, chain: [written('tsum', newId()), written('add', newId())] },
  'a part of a chord': { ...request, group: groupId, group_index: 3, chord: written('tsum', newId(), { group_id: groupId }) },
};
const DATA_DIFFERS: ReadonlySet<string> = new Set([
  'a task with links by a chain that ends in a group',
  'a task with links by a chain that ends in a chord',
  'a step of a chain by a group',
  'a step of a chain by a chord',
  'a step of a chain by a chain that begins with a group',
  'a part of a chord by a chain that begins with a group',
]);
const REPLACEMENTS: Readonly<Record<string, Tree>> = {
  'a task': a,
  'a chain': chain(a, b),
  'a group': group(a, a),
  'a chord': chord([a, a], sum),
  'a chain that ends in a group': chain(a, group(b, b)),
  'a chain that ends in a chord': chain(a, chord([b, b], sum)),
  'a chain that begins with a group': chain(group(a, a), sum, b),
};

interface Answer {
  readonly error?: string;
  readonly signature: JsonObject;
  readonly result: Json;
  readonly seen: readonly { readonly message?: JsonObject; readonly saved?: JsonObject; readonly size?: Json }[];
}
type Ask = (command: object) => Promise<Answer>;
/** What was sent at once, and what follows from each task of it. */
interface Step {
  readonly messages: readonly JsonObject[];
  readonly saved: readonly Json[];
  readonly sizes: readonly Json[];
  readonly result: Json;
}

async function same(tree: Tree, ask: Ask): Promise<void> {
  const theirs = await ask({ build: tree });
  if (theirs.error !== undefined) throw new Error(`Python refuses to build it: ${theirs.error}`);
  const ours = JSON.parse(JSON.stringify(built(tree).toJSON())) as JsonObject;
  expect(plain(ours)).toEqual(plain(theirs.signature));
  expect(plain(await story(ours, (signature, call) => Promise.resolve(compiledHere(signature, call))))).toEqual(
    plain(await story(theirs.signature, (signature, call) => sentThere(signature, call, ask))),
  );
}

async function sameReplacement(tree: Tree, fields: JsonObject, ask: Ask): Promise<void> {
  const by = JSON.parse(JSON.stringify(built(tree).toJSON())) as JsonObject;
  const answer = await ask({ replace: by, request: fields });
  if (answer.error !== undefined) throw new Error(`Python refuses to replace it: ${answer.error}`);
  const { id, root_id, group: own, group_index, chain: rest, chord: chordBody, callbacks, errbacks } = fields;
  const headers = fillHeaders({
    task: 'proj.add',
    id: id as string,
    root_id: root_id as string,
    group: own as string | null,
    group_index: group_index as number | null,
  });
  const embed = { chain: rest, chord: chordBody, callbacks, errbacks } as unknown as TaskBody['embed'];
  const wanted = replacement({ headers } as ReceivedTask, { args: [], kwargs: {}, embed }, readSignature(by));
  const parent = { id: headers.id, rootId: String(root_id) };
  const ours = await story(wanted as unknown as JsonObject, (signature, call) =>
    Promise.resolve(compiledHere(signature, { ...call, parent: call.parent ?? parent })),
  );
  const theirs = await story({}, (signature, call) => (call.parent === undefined ? Promise.resolve(stepOf(answer)) : sentThere(signature, call, ask)));
  expect(plain(withoutResults(ours))).toEqual(plain(withoutResults(theirs)));
}

/** Nobody gets a handle on what replaces a task. That the body of a chord belongs to the group of its header, which Celery says everywhere else, it forgets here. */
function withoutResults(steps: Json): Json {
  const forget = (name: string, value: Json): Json => (name === 'group_id' && value !== groupId ? null : value);
  const messages = (step: JsonObject): Json =>
    (step['messages'] as readonly JsonObject[]).map((message) => ({
      ...message,
      group: (message['embed'] as JsonObject)['chord'] === null ? null : message['group']!,
      group_index: (message['embed'] as JsonObject)['chord'] === null ? null : message['group_index']!,
    }));
  return JSON.parse(
    JSON.stringify(
      (steps as readonly JsonObject[]).map((step) => ({ ...step, messages: messages(step), result: null })),
      forget,
    ),
  ) as Json;
}

interface Call {
  readonly args: readonly Json[];
  readonly chain?: Json;
  readonly parent?: { readonly id: string; readonly rootId: string };
}
type Send = (signature: JsonObject, call: Call) => Promise<Step>;

/** Sends a workflow and plays the worker: every task gives 'value', each next link and each body is sent in its turn. */
async function story(signature: JsonObject, send: Send): Promise<Json> {
  const steps: Step[] = [];
  const bodies = new Set<string>();
  const waiting: { readonly signature: JsonObject; readonly call: Call }[] = [{ signature, call: { args: [] } }];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const step = await send(next.signature, next.call);
    steps.push(step);
    for (const { id, root_id, group: groupId, embed } of step.messages) {
      const { chain: rest, chord: body } = embed as { readonly chain: readonly JsonObject[] | null; readonly chord: JsonObject | null };
      const parent = { id: String(id), rootId: String(root_id) };
      const link = rest?.at(-1);
      if (link !== undefined) waiting.push({ signature: link, call: { args: ['value'], chain: rest!.slice(0, -1), parent } });
      if (body === null || bodies.has(String(groupId))) continue;
      bodies.add(String(groupId));
      waiting.push({ signature: body, call: { args: [['value']], parent } });
    }
  }
  // Python counts a group that ends a chain once more when it is sent, under its own id, which nobody asks for.
  return steps.map((step) => ({ ...step, sizes: step.sizes.filter((size) => bodies.has(String((size as readonly Json[])[0]))) })) as unknown as Json;
}

async function sentThere(signature: JsonObject, { args, chain: rest, parent }: Call, ask: Ask): Promise<Step> {
  const options = { ...(rest === undefined ? {} : { chain: rest }), ...(parent === undefined ? {} : { parent_id: parent.id, root_id: parent.rootId }) };
  const answer = await ask({ signature, args, options, ...(parent === undefined ? {} : { parent }) });
  if (answer.error !== undefined) throw new Error(`Python refuses to send it: ${answer.error}`);
  return stepOf(answer);
}

function stepOf(answer: Answer): Step {
  const messages = answer.seen.flatMap((one) => (one.message === undefined ? [] : [one.message]));
  return {
    messages,
    saved: answer.seen.flatMap((one) => (one.saved === undefined ? [] : [one.saved])),
    sizes: answer.seen.flatMap((one) => (one.size === undefined ? [] : [one.size])),
    result: answer.result === null ? null : withoutParents(answer.result),
  };
}

function compiledHere(signature: JsonObject, { args, chain: rest, parent }: Call): Step {
  const data = prepend(readSignature(signature), args as readonly Value[]);
  const context: CompileContext = {
    newId,
    now: Date.UTC(2026, 0, 1),
    origin: 'test',
    chords: 'store',
    defaults: () => ({ options: {}, timeLimit: null, softTimeLimit: null, ignoreResult: false }),
    ...(parent === undefined ? {} : { parent: { ...parent, priority: null } }),
  };
  const plan = compile(
    (rest as readonly Json[] | undefined)?.length ? ({ ...data, options: { ...data.options, chain: rest! } } as SignatureData) : data,
    context,
  );
  const messages = plan.publish.map(({ message: { headers, args: own, kwargs, embed }, route }) => {
    const { task, id, group: groupId, group_index, root_id, parent_id, eta, replaced_task_nesting, stamps } = headers;
    return {
      task,
      id,
      group: groupId,
      group_index,
      root_id,
      parent_id,
      eta,
      replaced_task_nesting,
      stamps,
      queue: route.queue ?? 'celery',
      args: own,
      kwargs,
      embed,
    };
  });
  return JSON.parse(
    JSON.stringify({
      messages,
      saved: plan.groups,
      sizes: plan.chords.map(({ groupId, size }) => [groupId, size]),
      result: onlyGroup(withoutParents(plan.result as unknown as Json)),
    }),
  ) as Step;
}

/** Celery forgets some of them: those between a chord and the last step of a chain that is its body. */
const withoutParents = (node: Json): Json => {
  const { id, children } = node as { readonly id: string; readonly children: readonly Json[] | null };
  return { id, children: children?.map(withoutParents) ?? null };
};

/** For a group whose one member ends in a group Celery gives the inner result, whatever the group's length will be tomorrow; we keep the list of lists that its type says. */
const onlyGroup = (node: Json): Json => {
  const [only, second] = (node as { readonly children: readonly Json[] | null }).children ?? [];
  return second === undefined && (only as { readonly children?: Json } | undefined)?.children ? only! : node;
};

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** Ids by their order, those of groups in each step, no address for replies, nothing that says nothing, sets in order. */
function plain(value: Json): Json {
  const tasks = new Set(JSON.stringify(value).match(/(?<="id":")[^"]+(?=")/g));
  const ids = new Map<string, string>();
  let groups = new Map<string, string>();
  const read = (given: Json): Json => {
    if (typeof given === 'string' && UUID.test(given)) {
      const [known, kind] = tasks.has(given) ? [ids, 'task'] : [groups, 'group'];
      if (!known.has(given)) known.set(given, `<${kind} ${known.size}>`);
      return known.get(given)!;
    }
    if (Array.isArray(given)) return (given as readonly Json[]).map(read);
    if (typeof given !== 'object' || given === null) return given;
    const entries = Object.entries(withListHeader(withoutPlace(given as JsonObject))).sort(([left], [right]) => (left < right ? -1 : 1));
    return Object.fromEntries(
      entries
        .filter(([name, member]) => name !== 'reply_to' && !isNothing(name, member!))
        // The root of what follows is that of the task it follows from, whether Python wrote it down or not.
        .map(([name, member]): readonly [string, Json] => [name, name === 'options' ? withoutRoot(member as JsonObject) : member!])
        .map(([name, member]) => [
          name,
          name === 'sizes' ? sorted(read(member)) : name === 'stamped_headers' && Array.isArray(member) ? [...(member as string[])].sort() : read(member),
        ]),
    );
  };
  if (!Array.isArray(value)) return read(value);
  // Python gives the header of a chord in a chord's body a new id each time that it is sent on: of groups only who belongs together counts.
  return (value as readonly Json[]).map((step) => {
    groups = new Map();
    return read(step);
  });
}

/** Where nothing was said: a null, or no more steps. */
const isNothing = (name: string, value: Json): boolean => value === null || (name === 'chain' && (value as readonly Json[]).length === 0);

/** Whether a body counts as the child of the part that starts it comes too late to be seen: that part has ended. */
const withoutRoot = ({ root_id: _root, parent_id: _parent, add_to_parent: _add, ...options }: JsonObject): JsonObject => options;

/** The place that Python writes on a chain or a chord is that of its last step or its body, which has it too. */
function withoutPlace(map: JsonObject): JsonObject {
  if (map['subtask_type'] !== 'chain' && map['subtask_type'] !== 'chord') return map;
  const { group_id: _id, group_index: _index, chord: _chord, ...options } = map['options'] as JsonObject;
  return { ...map, options };
}

/** A header is a list until it is frozen; Celery makes it a group when a visitor comes by. */
function withListHeader(map: JsonObject): JsonObject {
  const header = map['header'] as JsonObject | undefined;
  const isPlain = header?.['subtask_type'] === 'group' && Object.keys(header['options'] as JsonObject).length === 0;
  return isPlain ? { ...map, header: (header['kwargs'] as JsonObject)['tasks']! } : map;
}

const sorted = (value: Json): Json => [...(value as readonly Json[])].sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
