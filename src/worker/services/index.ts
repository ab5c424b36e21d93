import type { Service } from '../../kernel/service.ts';
import { chords } from './chords.ts';
import { connection } from './connection.ts';
import { consume } from './consume.ts';
import { control } from './control.ts';
import { delayedDelivery } from './delayed-delivery.ts';
import { events } from './events.ts';
import { heartbeat } from './heartbeat.ts';
import { mingle } from './mingle.ts';
import type { WorkerParts } from './parts.ts';
import { pool } from './pool.ts';
import { timer } from './timer.ts';

/** What a worker is made of, in the order of starting; the last one in is the first one out. */
export const workerServices = (w: WorkerParts): readonly Service[] => [
  timer(w),
  pool(w),
  chords(w),
  connection(w), // What requires it starts again when the broker is back.
  events(w),
  ...(w.context.options.heartbeats ? [heartbeat(w)] : []),
  ...(w.context.options.remoteControl ? [control(w), ...(w.context.options.mingles ? [mingle(w)] : [])] : []),
  delayedDelivery(w),
  consume(w),
  ...w.context.options.services,
];

/** Those that require `name`, directly or through others. */
export function dependentsOf(services: readonly Service[], name: string): readonly Service[] {
  const names = new Set([name]);
  for (let before = 0; before !== names.size;) {
    before = names.size;
    for (const service of services) if (service.requires?.some((required) => names.has(required)) === true) names.add(service.name);
  }
  return services.filter((service) => service.name !== name && names.has(service.name));
}
