import { ImproperlyConfigured } from '../errors.ts';
import { maskText } from '../kernel/broker-url.ts';
import { isSetting, nearestName, rowOf, shortNames, spellingOf, type SettingName } from './names.ts';

/** The value as it is kept, or a complaint that says what was expected and what came. */
export function checkValue(name: SettingName, value: unknown, written: string = name): { readonly value: unknown } | { readonly complaint: string } {
  const setting = rowOf(name);
  const read = setting.kind.read(value);
  if (read !== undefined) return { value: read };
  return { complaint: `${written}: expected ${setting.kind.expected}, but got ${setting.secret ? `${kindOf(value)} (not shown)` : shown(value)}.` };
}

/** What is wrong with a name that is not a setting's; undefined when it may be one of the user's own. `prefix` is that of a namespace, and part of the name. */
export function checkName(written: string, prefix = ''): string | undefined {
  const meant = nearestName(written.slice(prefix.length)) ?? shortNames.get(written.slice(prefix.length));
  return meant === undefined ? undefined : `There is no setting "${written}". Did you mean "${prefix}${meant}"?`;
}

/** Checks settings in camelCase. Unknown names that resemble none are the user's own (`CustomSettings`) and pass. */
export function checkSettings(input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const checked: Record<string, unknown> = {};
  const complaints: string[] = [];
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    if (isSetting(name)) {
      const result = checkValue(name, value);
      if ('complaint' in result) complaints.push(result.complaint);
      else checked[name] = result.value;
      continue;
    }
    const complaint = otherSpelling(name) ?? checkName(name);
    if (complaint === undefined) checked[name] = value;
    else complaints.push(complaint);
  }
  throwAll(complaints);
  return checked;
}

/** Only configuration objects come in every spelling of Celery's; programs write one. */
function otherSpelling(written: string): string | undefined {
  const known = spellingOf(written);
  return known === undefined ? undefined : `"${written}" is written ${known.name} here; configFromObject() takes Celery's spellings, too.`;
}

/** One error for everything that is wrong, so that it can be put right in one go. */
export function throwAll(complaints: readonly string[]): void {
  if (complaints.length === 0) return;
  throw new ImproperlyConfigured(
    complaints.length === 1 ? complaints[0]! : `${complaints.length} settings are wrong:\n${complaints.map((text) => `  ${text}`).join('\n')}`,
  );
}

/** A value for a complaint: what it is, or what kind of thing. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `the string ${JSON.stringify(maskText(value))}`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = (value as { readonly constructor?: { readonly name?: string } }).constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : `a ${name}`;
}
