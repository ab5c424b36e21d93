import { beatSettings } from './beat.ts';
import { brokerSettings } from './broker.ts';
import { controlSettings } from './control.ts';
import { databaseSettings } from './database.ts';
import { eventSettings } from './event.ts';
import { generalSettings } from './general.ts';
import type { Setting } from './kind.ts';
import { ourSettings } from './ours.ts';
import { redisSettings } from './redis.ts';
import { resultSettings } from './result.ts';
import { securitySettings } from './security.ts';
import { storeSettings } from './stores.ts';
import { taskSettings } from './task.ts';
import { workerSettings } from './worker.ts';

/** Every setting, by its name. Ours stand last. */
export const settingsTable = {
  ...generalSettings,
  ...taskSettings,
  ...brokerSettings,
  ...workerSettings,
  ...resultSettings,
  ...redisSettings,
  ...databaseSettings,
  ...storeSettings,
  ...eventSettings,
  ...controlSettings,
  ...beatSettings,
  ...securitySettings,
  ...ourSettings,
};

type Table = typeof settingsTable;
type ValueOf<S> = S extends Setting<infer T, string> ? T : never;
type OldOf<S> = S extends Setting<unknown, infer Old> ? Old : never;
type Known = { readonly [K in keyof Table]: ValueOf<Table[K]> };

/** Add your own settings by declaration merging: `interface CustomSettings { mailSender: string }`. */
// oxlint-disable-next-line typescript/no-empty-object-type
export interface CustomSettings {}

/** The settings of an app, none left out. Null means what the setting's description says. */
export interface Settings extends Known, CustomSettings {}

type Snake<S extends string> = S extends `${infer H}${infer T}`
  ? T extends Uncapitalize<T>
    ? `${Lowercase<H>}${Snake<T>}`
    : `${Lowercase<H>}_${Snake<T>}`
  : S;
type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };
type Snaked = { readonly [K in keyof Settings as Snake<K>]?: Settings[K] | undefined };
type Shouted<Prefix extends string> = { readonly [K in keyof Settings as `${Prefix}${Uppercase<Snake<K>>}`]?: Settings[K] | undefined };
/** Under the names of Celery 3. */
type Old = { readonly [K in keyof Table as OldOf<Table[K]>]?: ValueOf<Table[K]> | undefined };

/** What `new Celery(name, settings)` and `app.configure` take: camelCase only, so that an editor completes one spelling. */
export interface SettingsInput extends Given<Settings> {}
/** What `configFromObject` takes: camelCase, Celery's lower case, upper case, and the names of Celery 3. */
export interface SettingsSource extends Given<Settings>, Snaked, Shouted<''>, Old {}
/** The same under a namespace: with `CELERY`, `CELERY_TASK_DEFAULT_QUEUE` and `CELERY_BROKER_URL`. */
export type NamespacedSettings<Namespace extends string> = Shouted<`${Uppercase<Namespace>}_`>;
