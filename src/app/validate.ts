/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { ValidationError, type SchemaIssue } from '../errors.ts';
import type { StandardSchemaV1 } from './schema.ts';

/** The schema's output. Throws ValidationError with the list of issues; a promise only where the schema answers with one. */
export function validate(schema: StandardSchemaV1<any, any>, value: unknown, what: string): unknown {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((answer) => outputOf(answer, what)) : outputOf(result, what);
}

function outputOf(result: { readonly value?: unknown; readonly issues?: readonly SchemaIssue[] | undefined }, what: string): unknown {
  if (result.issues === undefined) return result.value;
  const told = result.issues.map((issue) => `${pathOf(issue)}${issue.message}`);
  throw new ValidationError(`${what} do not fit: ${told.join('; ')}`, result.issues);
}

function pathOf({ path }: SchemaIssue): string {
  if (path === undefined || path.length === 0) return '';
  return `${path.map((part) => (typeof part === 'object' ? String(part.key) : String(part))).join('.')}: `;
}
