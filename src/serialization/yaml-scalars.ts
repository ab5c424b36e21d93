import type { ScalarTag } from 'yaml';
import { WireDate } from '../protocol/datetime.ts';
import type { Value } from '../protocol/json.ts';
import { untypedValue } from '../protocol/typed-values.ts';

/**
 * What unquoted texts mean to PyYAML. The library's own YAML 1.1 schema takes more of them for something else: `y` and `n` for booleans,
 * `12e3` for a float, `089` for an integer; Python writes all of these as unquoted texts.
 */
export function scalarTags(): ScalarTag[] {
  return [
    tag('null', /^(?:~|null|Null|NULL|)$/, () => null),
    tag('bool', /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/, (text) => /^(?:y|t|on)/i.test(text)),
    tag('int', /^(?:[-+]?0b[01_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/, readInt),
    tag(
      'float',
      /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
      readFloat,
    ),
    tag('timestamp', /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/, readTimestamp),
    { tag: 'tag:yaml.org,2002:binary', identify: () => false, resolve: (text: string) => Uint8Array.from(Buffer.from(text, 'base64')) },
  ];
}

const tag = (name: string, test: RegExp, read: (text: string) => Value): ScalarTag => ({
  tag: `tag:yaml.org,2002:${name}`,
  default: true,
  identify: () => false,
  test,
  resolve: read,
});

function readInt(text: string): number | bigint {
  const sign = text.startsWith('-') ? -1n : 1n;
  const digits = text.replace(/^[-+]/, '').replaceAll('_', '');
  const value = digits.includes(':') ? sexagesimal(digits.split(':').map(BigInt), 60n) : BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return Number.isSafeInteger(Number(value)) ? Number(sign * value) : sign * value;
}

const sexagesimal = (parts: readonly bigint[], base: bigint): bigint => parts.reduce((sum, part) => sum * base + part, 0n);

function readFloat(text: string): number {
  const plain = text.replaceAll('_', '').toLowerCase();
  if (plain === '.nan') return Number.NaN;
  if (plain.endsWith('.inf')) return plain.startsWith('-') ? -Infinity : Infinity;
  if (!plain.includes(':')) return Number(plain);
  const sum = plain
    .replace(/^[-+]/, '')
    .split(':')
    .map(Number)
    .reduce((total, part) => total * 60 + part, 0);
  return plain.startsWith('-') ? -sum : sum;
}

/** A date alone is Python's `date`, else it is its `datetime`. */
function readTimestamp(text: string): Value {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return untypedValue('date', text);
  const [, year, month, day, hour, rest] = /^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?)(.*)$/.exec(text)!;
  const two = (part: string): string => part.padStart(2, '0');
  const zoned = rest!
    .replace(/\.(?=[^\d]|$)/, '')
    .replace(/[ \t]*Z$/, '+00:00')
    .replace(/[ \t]*([-+])(\d\d?)(:\d\d)?$/, (_, sign: string, hours: string, minutes = ':00') => `${sign}${two(hours)}${minutes}`);
  return new WireDate(`${year}-${two(month!)}-${two(day!)}T${two(hour!)}${zoned}`);
}
