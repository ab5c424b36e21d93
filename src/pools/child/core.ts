import type { TaskHost } from '../../execution/host.ts';
import type { RunnableTask } from '../../execution/env.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Level, Logger } from '../../kernel/logger.ts';
import type { ReceivedTask, TaskSource } from '../../protocol/task-message.ts';

/** What a child needs of the app it has loaded. */
export interface ChildCore {
  readonly clock: Clock;
  findTask(name: string): RunnableTask | undefined;
  /** Reads a message as the worker did; the body stays unread until it is asked for. */
  receive(source: TaskSource): ReceivedTask | Promise<ReceivedTask>;
  /** Calls that tasks make leave this way from now on. */
  setHost(host: TaskHost): void;
  setLog(log: Logger): void;
  /** `workerRedirectStdouts`: what tasks print becomes lines of this level; absent: it goes where it went. */
  readonly printLevel?: Level | undefined;
  /** Lets go of what the child opened for itself. */
  close(): Promise<void>;
}
