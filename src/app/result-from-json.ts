import { surroundings } from '../canvas/caller.ts';
import { ImproperlyConfigured } from '../errors.ts';
import type { Json } from '../protocol/json.ts';
import type { AsyncResult } from '../results/result.ts';
import { handleOf, nodeOf } from '../results/tree.ts';
import type { Celery } from './celery.ts';
import { coreOf } from './core.ts';

/**
 * A handle on what `toJSON` wrote of one, here or in Python (`as_tuple`): `[[id, parent], null]`, or `[[id, parent], [members]]` for a group's, which comes
 * back as a GroupResult. A bare id is one too. In a task the app is that of the task; elsewhere it must be given. TypeError for anything else.
 */
export function resultFromJSON(json: Json, app?: Celery): AsyncResult<unknown> {
  if (app !== undefined) return handleOf(nodeOf(json), coreOf(app).results);
  const caller = surroundings.getStore()?.caller;
  if (caller === undefined) throw new ImproperlyConfigured('resultFromJSON must know whose result it is: give it the app, resultFromJSON(json, app)');
  return caller.handle(nodeOf(json));
}
