import type { ResultBackend } from '../backends/backend.ts';
import type { TaskHost } from '../execution/host.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Core } from './app-core.ts';
import { DirectHost } from './direct-host.ts';
import { OwnConnections } from './own-connections.ts';
import type { SettingsInput } from '../config/settings/index.ts';
import { tellSent } from './sent-events.ts';

/** What an app plays on: its time, and its connections to the world. A test lends it another. */
export interface Stage {
  readonly clock: Clock;
  readonly own: OwnConnections;
  readonly direct: DirectHost;
  /** How calls leave: directly, or in a child through its parent. */
  host: TaskHost;
  /** The result store, once it is known that it answers by messages. */
  answering: ResultBackend | undefined;
}

export function createStage(core: Core, clock: Clock, emit: (type: string, fields: Parameters<typeof tellSent>[1]) => void): Stage {
  const own = new OwnConnections(core);
  const direct = new DirectHost({
    producer: () => own.producer(),
    backend: () => own.backend(),
    keepAlive: core.keepAlive,
    emit: (type, fields) => (type === 'task-sent' ? tellSent(core, fields) : emit(type, fields)),
  });
  return { clock, own, direct, host: direct, answering: undefined };
}

/** Another stage and settings over all others, also those of the environment. */
export interface Loan {
  readonly clock: Clock;
  readonly settings: SettingsInput;
}
