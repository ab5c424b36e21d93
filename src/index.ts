// The front door: what users import. Everything else is a room of its own.
export { Celery } from './app/celery.ts';
export { BaseTask as Task } from './app/base-task.ts';
export { sharedTask } from './app/shared-task.ts';
export { currentTask } from './app/task-self.ts';
