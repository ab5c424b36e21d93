import { execFile } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Value } from '../../src/protocol/json.ts';
import { Decimal, Uuid } from '../../src/protocol/json.ts';
import type { WireMessage } from '../../src/protocol/wire-message.ts';
import { bytesOf } from '../../src/serialization/body.ts';
import { createSerializerRegistry } from '../../src/serialization/index.ts';

const python = process.env['CELERIAC_TEST_PYTHON'];
if (python === undefined) console.warn('skipped: CELERIAC_TEST_PYTHON is not set to a python that has kombu, msgpack and yaml');

/** Reads [content type, content encoding, compression or null, base64] with kombu and writes each value again, by the same serializer and compression, with its repr. */
const ECHO = `
import sys, json, base64, kombu.serialization as s, kombu.compression as c
out = []
for ctype, encoding, method, body in json.load(sys.stdin):
    data = base64.b64decode(body)
    if method: data = c.decompress(data, method)
    value = s.loads(data, ctype, encoding, accept=[ctype])
    name = {'application/json': 'json', 'application/x-msgpack': 'msgpack', 'application/x-yaml': 'yaml'}[ctype]
    ctype, encoding, data = s.dumps(value, serializer=name)
    data = data.encode() if isinstance(data, str) else data
    if method: data, method = c.compress(data, method)
    out.append([ctype, encoding, method, base64.b64encode(data).decode(), repr(value)])
json.dump(out, sys.stdout)
`;
type Row = readonly [contentType: string, contentEncoding: string, compression: string | null, body: string];

function echo(rows: readonly Row[]): Promise<readonly (readonly [...Row, repr: string])[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(python!, ['-c', ECHO], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      error === null ? resolve(JSON.parse(stdout) as readonly (readonly [...Row, string])[]) : reject(new Error(stderr)),
    );
    child.stdin!.end(JSON.stringify(rows));
  });
}

async function throughPython(
  values: readonly Value[],
  serializer: string,
  compression?: string,
): Promise<readonly { readonly value: Value; readonly repr: string }[]> {
  const registry = createSerializerRegistry();
  const rows: Row[] = [];
  for (const value of values) {
    const { body, contentType, contentEncoding, compression: method } = await registry.encode(value, { serializer, compression });
    rows.push([contentType, contentEncoding, method ?? null, Buffer.from(bytesOf(body)).toString('base64')]);
  }
  const answers: { readonly value: Value; readonly repr: string }[] = [];
  for (const [contentType, contentEncoding, method, base64, repr] of await echo(rows)) {
    const message: WireMessage = { body: { base64 }, contentType, contentEncoding, headers: method === null ? {} : { compression: method }, properties: {} };
    answers.push({ value: await registry.decode(message, { accept: [serializer], maxBytes: 2 ** 24 }), repr });
  }
  return answers;
}

// What YAML could take for something else.
const treacherous: readonly string[] = [
  'yes',
  'no',
  'y',
  'n',
  'on',
  '~',
  'null',
  '1',
  '1.0',
  '1e3',
  '12e45',
  '089',
  '010',
  '0x1f',
  '1_000',
  '1:30',
  '.5',
  '.inf',
  '2024-01-02',
  '2024-01-02 03:04:05',
  '<<',
  '=',
  '- a',
  'a: b',
  '#',
  ' x ',
  '!x',
  '&a',
  '*a',
  '{',
  'a\nb\n',
  '\t',
];

const plain: readonly Value[] = [
  null,
  true,
  false,
  0,
  -5,
  2 ** 40,
  2n ** 63n,
  1.5,
  1e-7,
  1e300,
  -2.5e-10,
  '',
  'abc',
  'hé☃😀',
  '\u0000\u001f\u007f\u0085\u2028\ufeff\ufffe"\\/\'',
  ...treacherous,
  [],
  {},
  [1, [2, [3]], { a: [] }],
  { a: { b: { c: null } }, 'key with "quotes"': 1, é: 2, ['k'.repeat(2000)]: 3, '': 4, yes: 5, '1': 6, '<<': 7 },
  new Uint8Array([255, 0, 254]),
  new Uint8Array([97]),
  'x'.repeat(5000),
];

describe.skipIf(python === undefined)('kombu reads what we write, and we read what it writes', () => {
  test.each(['json', 'msgpack', 'yaml'])('%s: plain values and bytes', async (serializer) => {
    const answers = await throughPython(plain, serializer);
    for (const [index, { value, repr }] of answers.entries()) expect([value, repr]).toEqual([plain[index], repr]);
    expect(answers.map(({ repr }) => repr).slice(0, 10)).toEqual([
      'None',
      'True',
      'False',
      '0',
      '-5',
      '1099511627776',
      '9223372036854775808',
      '1.5',
      '1e-07',
      '1e+300',
    ]);
  });

  test.each(['json', 'yaml'])('%s: NaN, Infinity and integers of any size', async (serializer) => {
    const values = [NaN, Infinity, -Infinity, 2n ** 70n, -(2n ** 70n)];
    const answers = await throughPython(values, serializer);
    expect(answers.map(({ value }) => value)).toEqual(values);
    expect(answers.map(({ repr }) => repr)).toEqual(['nan', 'inf', '-inf', String(2n ** 70n), String(-(2n ** 70n))]);
  });

  test('json: typed values', async () => {
    const { temporal } = await import('../../src/protocol/temporal.ts');
    const values: Value[] = [
      new Date('2024-01-02T03:04:05.678Z'),
      temporal().PlainDate.from('2024-01-02'),
      temporal().PlainTime.from('03:04:05.000006'),
      new Decimal('1.10'),
      new Uuid('00000000-0000-0000-0000-000000000001'),
    ];
    const answers = await throughPython(values, 'json');
    expect(answers.map(({ repr }) => repr)).toEqual([
      'datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)',
      'datetime.date(2024, 1, 2)',
      'datetime.time(3, 4, 5, 6)',
      "Decimal('1.10')",
      "UUID('00000000-0000-0000-0000-000000000001')",
    ]);
    expect(answers.map(({ value }) => (value instanceof Date ? value.toISOString() : String(value)))).toEqual(
      values.map((value) => (value instanceof Date ? value.toISOString() : String(value))),
    );
  });

  test('yaml: datetimes and dates', async () => {
    const { temporal } = await import('../../src/protocol/temporal.ts');
    const answers = await throughPython([new Date('2024-01-02T03:04:05.678Z'), temporal().PlainDate.from('2024-01-02')], 'yaml');
    expect(answers.map(({ repr }) => repr)).toEqual([
      'datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)',
      'datetime.date(2024, 1, 2)',
    ]);
    expect((answers[0]!.value as Date).toISOString()).toBe('2024-01-02T03:04:05.678Z');
    expect(String(answers[1]!.value)).toBe('2024-01-02');
  });

  test.each(['zlib', 'gzip', 'bzip2', 'lzma', 'xz'])('bodies compressed with %s', async (compression) => {
    const values = ['hello '.repeat(1000), { a: [1, 2, 3], text: 'hé☃😀' }];
    for (const serializer of ['json', 'msgpack']) {
      const answers = await throughPython(values, serializer, compression);
      expect(answers.map(({ value }) => value)).toEqual(values);
    }
  });
});
