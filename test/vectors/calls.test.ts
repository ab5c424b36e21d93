import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeCall } from '../../src/app/encode.ts';
import type { Destination } from '../../src/app/router.ts';
import { signature as s } from '../../src/canvas/by-name.ts';
import { chain } from '../../src/canvas/chain.ts';
import { chord } from '../../src/canvas/chord.ts';
import { compile, type CompileContext, type PlannedMessage } from '../../src/canvas/compile.ts';
import { group } from '../../src/canvas/group.ts';
import { resolveSettings } from '../../src/config/resolve.ts';
import { newId } from '../../src/kernel/ids.ts';
import { parseDatetime } from '../../src/protocol/datetime.ts';
import { decodeJson } from '../../src/protocol/json-text.ts';
import type { Json, JsonObject, Value } from '../../src/protocol/json.ts';
import { signatureData, type SignatureData } from '../../src/protocol/signature.ts';
import { readEnvelope, writeEnvelope } from '../../src/transports/virtual/envelope.ts';
import { at, masked, readVector, vectorNames } from './files.ts';
import { decode, registry } from './pieces.ts';

/*
 * The calls that the vectors of tasks/ were captured from, made again with our canvas, must give the same messages: envelopes are compared field by
 * field, bodies by value. Ids are compared by who equals whom; origin, lang, delivery tags and reply_to are masked.
 */

const id = '11111111-1111-4111-8111-111111111111';
const fixed = (options: Record<string, Value> = {}, args: readonly Value[] = [2, 3], task = 'proj.add'): SignatureData =>
  signatureData({ task, args, options: { task_id: id, ...options } });
const add = (...args: readonly number[]) => s('proj.add', { args: args as never }) as never as Call;
const tsum = s('proj.tsum') as never as Call;
const onErr = s('proj.on_err') as never as Call;
/** The public types know what fits what; here only the data matters. */
interface Call {
  set(options: object): Call;
  link(call: Call): Call;
  linkError(call: Call): Call;
  stamp(stamps: object): Call;
  toJSON(): SignatureData;
}
const free = { chain, group, chord } as unknown as Readonly<Record<'chain' | 'group', (...calls: readonly Call[]) => Call>> & {
  readonly chord: (header: readonly Call[] | Call, body: Call) => Call;
};

const typed = decodeJson(String(at(readVector('tasks/task_args_types'), 'messages', 0, 'body_decoded', 'json_text'))) as readonly [readonly Value[]];
const etaOf = (name: string, header: string): string => String(at(readVector(`tasks/${name}`), 'messages', 0, 'envelope', 'headers', header));

const CALLS: Readonly<Record<string, () => SignatureData>> = {
  task_plain: () => fixed(),
  task_args_types: () => fixed({}, typed[0], 'proj.ident'),
  task_kwargs_unicode: () => signatureData({ task: 'proj.ident', kwargs: { x: 'héllo ☃ 😀' }, options: { task_id: id } }),
  task_countdown: () => fixed({ countdown: 10 }),
  task_eta_naive: () => fixed({ eta: '2030-01-02T03:04:05' }),
  task_eta_aware_micro: () => fixed({ eta: '2030-01-02T03:04:05.000678+02:00' }),
  task_expires_seconds: () => fixed({ expires: 60 }),
  task_expires_datetime: () => fixed({ expires: '2030-01-02T03:04:05+00:00' }),
  task_timelimits: () => fixed({ time_limit: 30, soft_time_limit: 20.5 }),
  task_ignore_result: () => fixed({ ignore_result: true }),
  task_shadow: () => fixed({ shadow: 'nice.name' }),
  task_custom_headers: () => fixed({ headers: { 'x-trace': 'abc', n: 1 } }),
  task_queue_custom: () => fixed({ queue: 'q1' }),
  task_reply_to: () => fixed({ reply_to: 'my-reply-queue' }),
  task_send_task_by_name: () => signatureData({ task: 'other.lang.task', args: [1], kwargs: { a: null }, options: { task_id: id } }),
  task_link: () => fixed({ link: [add(10).toJSON()] }),
  task_link_many: () => fixed({ link: [add(10).set({ queue: 'q9', priority: 3 }).toJSON(), add(1, 1).set({ immutable: true }).toJSON()] }),
  task_link_error: () => fixed({ link_error: [onErr.toJSON()] }, [], 'proj.fail'),
  ...Object.fromEntries(['brotli', 'bzip2', 'lzma', 'zlib'].map((compression) => [`task_compression_${compression}`, () => fixed({ compression })])),
  ...Object.fromEntries(
    ['json', 'msgpack', 'yaml'].map((serializer) => [
      `task_serializer_${serializer}`,
      () => fixed({ serializer }, [{ a: [1, 2.5, null, true], b: 'téxt' }], 'proj.ident'),
    ]),
  ),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255].map((priority) => [`task_priority_${String(priority).padStart(3, '0')}`, () => fixed({ priority })]),
  ),
  stamp_simple: () =>
    add(1, 1)
      .stamp({ header2: ['a', 'b'], stamp: 'value' })
      .toJSON(),
  canvas_chain3: () => free.chain(add(1, 1), add(2), add(3)).toJSON(),
  canvas_chain_options: () =>
    free
      .chain(add(1, 1), add(2, 2).set({ immutable: true, countdown: 5 }), add(3).set({ queue: 'qq' }))
      .linkError(onErr)
      .toJSON(),
  canvas_group2: () => free.group(add(1, 1), add(2, 2)).toJSON(),
  canvas_group_nested: () => free.group(add(1, 1), free.group(add(2, 2), add(3, 3))).toJSON(),
  canvas_chord: () => free.chord([add(1, 1), add(2, 2)], tsum).toJSON(),
  canvas_chord_generator: () => free.chord([add(0, 0), add(1, 1)], tsum.set({ queue: 'bodyq', priority: 9 })).toJSON(),
  canvas_chord_body_chain: () => free.chord([add(1, 1), add(2, 2)], free.chain(tsum, add(100))).toJSON(),
  canvas_chord_of_chains: () => free.chord([free.chain(add(1, 1), add(2)), add(5, 5)], tsum).toJSON(),
  canvas_chain_group_task: () => free.chain(add(1, 1), free.group(add(2), add(3)), tsum).toJSON(),
  canvas_group_chain_group: () => free.chain(free.group(add(1, 1), add(2, 2)), free.group(tsum, tsum)).toJSON(),
  canvas_nested_chord: () => free.chord([free.chord([add(1, 1), add(2, 2)], tsum), add(5, 5)], tsum).toJSON(),
  canvas_xmap: () =>
    signatureData({
      task: 'celery.map',
      kwargs: {
        task: tsum.toJSON(),
        it: [
          [1, 2],
          [3, 4],
        ],
      },
      immutable: true,
    }),
  canvas_xstarmap: () =>
    signatureData({
      task: 'celery.starmap',
      kwargs: {
        task: s('proj.add').toJSON() as never,
        it: [
          [1, 2],
          [3, 4],
        ],
      },
      immutable: true,
    }),
  canvas_chunks: () =>
    signatureData({
      task: 'celery.chunks',
      kwargs: {
        task: s('proj.add').toJSON() as never,
        it: [
          [1, 1],
          [2, 2],
          [3, 3],
          [4, 4],
        ],
        n: 2,
      },
      immutable: true,
    }),
};

/** Vectors of tasks/ that are read only, and why. */
const READ_ONLY: Readonly<Record<string, string>> = {
  task_serializer_pickle: 'pickle is refused, both ways',
  task_routing_exchange: 'holds no message: nothing was bound',
  proto1_plain: 'protocol 1 is read, never written',
  proto1_chain: 'protocol 1 is read, never written',
  stamp_chord: 'stamps on a chord are not built',
  stamp_visitor_chain: 'stamping visitors are not built',
};

/** Calls for which Celery 5.7 sends something else than 5.6 did: captured again, the rest of the vectors still hold. */
const SINCE_57 = (
  JSON.parse(readFileSync(new URL('../fixtures/canvas-5.7.json', import.meta.url), 'utf8')) as {
    readonly messages: Readonly<Record<string, readonly { readonly headers: JsonObject; readonly body: Json }[]>>;
  }
).messages;

const settings = resolveSettings([], () => 'memory://');

/** As an app sends it: to the queue that the call names, else the default one. */
async function envelopeOf(planned: PlannedMessage): Promise<string> {
  const destination = {
    route: planned.route,
    queue: undefined,
    exchange: '',
    routingKey: planned.route.queue ?? 'celery',
    declare: undefined,
    deliveryMode: 2,
  } as Destination;
  const { message, exchange, routingKey } = await encodeCall(planned, destination, { settings, serializers: registry });
  return writeEnvelope(message, { exchange, routingKey, deliveryTag: newId() });
}

/** An envelope with its body decoded and not yet masked, so that ids are compared across messages; representations of lists as Python's of tuples, times that were counted from now only by their form. */
async function comparable(text: string, isRelative: boolean): Promise<Json> {
  const envelope = JSON.parse(text) as { readonly headers: JsonObject; readonly properties: JsonObject };
  const isMapped = String(envelope.headers['task']).startsWith('celery.');
  const repr = (value: Json | undefined): Json =>
    isMapped && typeof value === 'string' ? value.replaceAll('(', '[').replaceAll(/,?\)/g, ']') : (value ?? null);
  const moment = (value: Json | undefined): Json =>
    isRelative && typeof value === 'string' && parseDatetime(value) !== undefined ? '<moment>' : (value ?? null);
  const { headers, properties } = envelope;
  const names = headers['stamped_headers'];
  return {
    ...envelope,
    headers: {
      ...headers,
      kwargsrepr: repr(headers['kwargsrepr']),
      eta: moment(headers['eta']),
      expires: moment(headers['expires']),
      // The order of the names means nothing (wire.md 2.4).
      stamped_headers: Array.isArray(names) ? [...(names as readonly string[])].sort() : null,
    },
    properties: { ...properties, ...(properties['expiration'] === undefined || isRelative ? {} : { expiration: '<ms>' }) },
    body: (await decode(readEnvelope(text).message)) as Json,
  };
}

test('every vector of tasks/ is made again or says why not', () => {
  const names = vectorNames.filter((name) => name.startsWith('tasks/')).map((name) => name.slice('tasks/'.length));
  expect([...Object.keys(CALLS), ...Object.keys(READ_ONLY)].sort()).toEqual(names);
});

for (const [name, call] of Object.entries(CALLS)) {
  test(name, () => sameMessages(name, call));
}

async function sameMessages(name: string, call: () => SignatureData): Promise<void> {
  // Celery 5.7 says nothing of ignoring for a task that it does not know, where 5.6 said false (celery-5.7.md 1, item 5).
  const isUnknown = name === 'task_send_task_by_name';
  const now = name === 'task_countdown' ? parseDatetime(etaOf(name, 'eta'))! - 10_000 : parseDatetime('2026-11-22T09:40:45.600Z')!;
  const context: CompileContext = {
    newId,
    now,
    origin: 'gen1@vm',
    chords: 'store',
    defaults: () => (isUnknown ? undefined : { options: {}, timeLimit: null, softTimeLimit: null, ignoreResult: false }),
  };
  const isRelative = name === 'task_countdown' || name === 'task_expires_seconds';
  const captured = (readVector(`tasks/${name}`)['messages'] as readonly JsonObject[]).map((message) => String(message['envelope_text']));
  const expected = await Promise.all(captured.map((text) => comparable(text, isRelative)));
  const plan = compile(call(), context);
  const made = await Promise.all(plan.publish.map(async (planned) => comparable(await envelopeOf(planned), isRelative)));
  const as57 = isUnknown
    ? expected.map((one) => ({ ...(one as JsonObject), headers: { ...((one as JsonObject)['headers'] as JsonObject), ignore_result: null } }))
    : expected;
  const since57 = SINCE_57[name];
  if (since57 === undefined) return expect(masked(made)).toEqual(masked(as57));
  const headers = Object.keys(since57[0]!.headers);
  const short = made.map((one) => ({
    headers: Object.fromEntries(headers.map((header) => [header, at(one, 'headers', header) ?? null])),
    body: at(one, 'body') ?? null,
  }));
  expect(masked(short)).toEqual(masked(since57 as unknown as Json));
}
