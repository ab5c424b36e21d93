import { BaseTask } from './base-task.ts';
import type { List } from '../canvas/sendable.ts';
import type { Task as TaskType } from './task-types.ts';

/** As a value the base class of tasks (`class SendMail extends Task`); as a type what `app.task` returns. */
export const Task: typeof BaseTask = BaseTask;
export type Task<A extends List, R> = TaskType<A, R>;
