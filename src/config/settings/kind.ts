/** What values a setting takes. `read` gives the value as it is kept, or undefined when it is not one; `expected` says it in words, for the error. */
export interface Kind<T> {
  readonly expected: string;
  read(value: unknown): T | undefined;
}

/** One row of the settings table. Its meaning is the docblock above it: editors show that, and `scripts/gen-docs.ts` prints it. */
export interface Setting<T, Old extends string = string> {
  readonly kind: Kind<T>;
  readonly default: T;
  /** The name Celery 3 had for it, where that is not simply this one in upper case. */
  readonly old: Old | undefined;
  /** False while the feature behind it does not exist: the worker says so when it is set. */
  readonly built: boolean;
  /** Never shown in reports. */
  readonly secret: boolean;
  /** Not a setting of Celery's but of this library. */
  readonly ours: boolean;
}

export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;

/** A row: its kind, its default, and what else is to be known of it. */
export function row<T, const Old extends string = never>(
  kind: Kind<T>,
  fallback: NoInfer<T>,
  more: { readonly old?: Old; readonly built?: false; readonly secret?: true; readonly ours?: true } = {},
): Setting<T, Old> {
  return { kind, default: fallback, old: more.old, built: more.built ?? true, secret: more.secret ?? false, ours: more.ours ?? false };
}
