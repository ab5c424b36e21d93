/* `celeriac/control`: questions and orders to the workers of an app. */
export type { BroadcastOptions, Replies } from '../app/broadcast.ts';
export { control, type Control } from './control.ts';
export { defineCommand, type CommandDefinition } from './custom.ts';
export { inspect, type ActiveTask, type Inspect, type ScheduledTask } from './inspect.ts';
