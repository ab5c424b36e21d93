import { expect, test } from 'vitest';
import type { Json } from '../../src/protocol/json.ts';
import { readVector, vectorNames } from './files.ts';
import { piecesOf } from './pieces.ts';
import { special } from './special.ts';

/*
 * Every captured vector is read, and what is in it is understood and written again by our code, then compared field by field (pieces.ts, special.ts).
 * That calls give the same messages as Python's is the subject of calls.test.ts.
 */

/** The kinds of pieces that must be found in the files of a folder. */
const KINDS: readonly (readonly [files: RegExp, kinds: readonly string[]])[] = [
  [/^tasks(-by-version)?\//, ['envelope']],
  [/^results(-by-version)?\//, ['meta']],
  [/^pidbox\//, ['command', 'envelope']],
  [/^events\/gossip_election$/, ['event', 'signature']],
  [/^events\/event_heartbeat_request$/, ['command', 'envelope']],
  [/^events\//, ['envelope', 'event']],
  [/^flows\/flow_ignore$/, ['task']],
  [/^flows\//, ['meta', 'task']],
  [/^amqp\/rpc_/, ['meta']],
  [/^amqp\/amqp_pidbox_events$/, ['command', 'event']],
  [/^amqp\/amqp_native_delay$/, ['task']],
  [/^redis\//, ['envelope']],
  [/^backends\/(?:filesystem|dynamodb)_backend$/, ['meta']],
  [/^backends\/chord_unlock_message$/, ['task']],
  [/^backends\/memcached_backend$/, ['signature']],
  [/^transports\//, ['envelope']],
];

/** What is read as JSON only, and what it waits for. */
const READ_ONLY: Readonly<Record<string, string>> = {
  'amqp/amqp_native_delay_topology': "a listing of rabbitmqctl's: the AMQP transport declares the same and is tested against a broker",
  'interop/amqp_header_integer_types': 'a table of measurements, kept by clients/amqp/codec.test.ts',
  'serializers/auth_serializer': 'the serializer auth is not built (wire.md 1.6.2)',
  'serializers/auth_serializer-5.2.6': 'the serializer auth is not built (wire.md 1.6.2)',
  'backends/db_backend_plain': 'rows with pickled results: the driver db+ is not built',
  'backends/db_backend_extended': 'rows with pickled results: the driver db+ is not built',
  'backends/db_group_pickle_minimal': 'a pickle: the driver db+ is not built',
  'backends/django_db_backend': 'rows of django-celery-results: the driver is not built',
  'backends/mongodb_backend': 'documents of MongoDB: the driver is not built',
  'beat/beat_persistent': "a shelve of pickles, Python beat's own file",
  'beat/django_celery_beat_tables': 'rows of django-celery-beat: the scheduler is not built',
};

test('all 215 vectors are here, and no rule is left over', () => {
  expect(vectorNames.length).toBe(215);
  for (const name of [...Object.keys(special), ...Object.keys(READ_ONLY)]) expect(vectorNames).toContain(name);
});

test.each(vectorNames)('%s', async (name) => {
  const vector = readVector(name);
  if (READ_ONLY[name] !== undefined) return expect(Object.keys(vector).length).toBeGreaterThan(1);
  const pieces = piecesOf(vector as Json);
  for (const piece of pieces) await piece.check();
  const check = special[name];
  if (check !== undefined) return check(vector);
  const needed = KINDS.find(([files]) => files.test(name))?.[1];
  if (needed === undefined) throw new Error(`no rule says what is in ${name}: add one`);
  const found = new Set(pieces.map(({ kind }) => kind));
  expect(needed.filter((kind) => !found.has(kind))).toEqual([]);
});
