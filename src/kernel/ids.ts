import { randomUUID } from 'node:crypto';

/** A new id for a task, group or delivery: a random UUID, as Celery's. */
export const newId = (): string => randomUUID();
