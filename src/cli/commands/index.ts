import type { AnyCliCommand } from '../command.ts';
import { amqp } from './amqp.ts';
import { call } from './call.ts';
import { control } from './control.ts';
import { graph } from './graph.ts';
import { inspect } from './inspect.ts';
import { list } from './list.ts';
import { purge } from './purge.ts';
import { report } from './report.ts';
import { result } from './result.ts';
import { status } from './status.ts';
import { worker } from './worker.ts';

/** Every command, in the order in which `--help` lists them. */
export const commands: readonly AnyCliCommand[] = [worker, call, result, status, inspect, control, purge, list, amqp, graph, report];
