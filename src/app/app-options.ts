import type { SettingsInput } from '../config/settings/index.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Json } from '../protocol/json.ts';
import type { BaseTask } from './base-task.ts';

/** What `new Celery(main, …)` takes: settings, and what only an app has. */
export interface AppOptions extends SettingsInput {
  /** URL of the broker, or several for failover. Default: `CELERY_BROKER_URL`, else the project's own SQLite file. */
  readonly broker?: string | readonly string[];
  /** URL of the result store. Default: `CELERY_RESULT_BACKEND`, else the same file. */
  readonly backend?: string;
  /** Prefix of the keys that `configFromObject` and the environment give: `CELERY`. */
  readonly namespace?: string;
  /** Check arguments of tasks with `params` when they are called. Default true. */
  readonly strictTyping?: boolean;
  /** The class of `self` for all tasks that are functions. */
  readonly taskCls?: new () => BaseTask;
  /** Where the app logs outside a worker. Default: warnings and worse to stderr. */
  readonly log?: Logger;
}

/** A serializer, compressor, type, transport or backend of your own. */
export type Extension =
  | {
      readonly kind: 'serializer';
      readonly name: string;
      readonly contentType: string;
      readonly contentEncoding: string;
      encode(value: unknown): Uint8Array;
      decode(body: Uint8Array): unknown;
    }
  | {
      readonly kind: 'compression';
      readonly name: string;
      compress(body: Uint8Array): Promise<Uint8Array>;
      decompress(body: Uint8Array): Promise<Uint8Array>;
    }
  | { readonly kind: 'type'; readonly name: string; test(value: unknown): boolean; encode(value: unknown): Json; decode(value: Json): unknown }
  | { readonly kind: 'transport' | 'backend'; readonly schemes: readonly string[]; load(): Promise<unknown> };
