import { fork, type ChildProcess } from 'node:child_process';
import { childConfig, entryBeside, inheritedFlags } from '../entry.ts';
import type { Channel, Spawn } from '../isolated/channel.ts';
import { IsolatedPool } from '../isolated/pool.ts';
import type { FromChild } from '../ipc.ts';
import type { PoolOptions } from '../options.ts';
import type { Pool } from '../pool.ts';
import { openProgress } from './progress.ts';

/** Child processes: they are really killed, even in a busy loop, and what they leak goes with them. */
export function createProcessPool(options: PoolOptions): Pool {
  const config = JSON.stringify(childConfig(options, 'prefork'));
  const entry = entryBeside(import.meta.url, 'child-process');
  const execArgv = [...inheritedFlags(), ...(entry.tsx === undefined ? [] : ['--import', entry.tsx.loader])];
  const spawn: Spawn = ({ onBatch, onGone }): Channel => {
    const progress = openProgress();
    const child = fork(entry.path, [config], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc', progress.fd], serialization: 'json' });
    child.on('message', (batch) => onBatch(batch as readonly FromChild[]));
    // Writing to a child that has just died; its end is heard of by `exit`.
    child.on('error', () => undefined);
    onceGone(child, options, onGone);
    return {
      pid: child.pid ?? 0,
      send: (batch) => {
        if (child.connected) child.send(batch);
      },
      kill: (signal) => void child.kill(signal),
      lastStarted: () => progress.read(),
      close: () => progress.close(),
    };
  };
  return new IsolatedPool('process', options, spawn);
}

/** How long to wait for the channel of a process that has ended to run dry. */
const DRAIN_MS = 1_000;

/** A process has ended for us when its last message has been heard too: what it wrote before its death is still in the channel. */
function onceGone(child: ChildProcess, { core }: PoolOptions, onGone: (how: string) => void): void {
  let how: string | undefined;
  let isDry = false;
  let isTold = false;
  const tell = (): void => {
    if (how === undefined || !isDry || isTold) return;
    isTold = true;
    onGone(how);
  };
  child.once('disconnect', () => {
    isDry = true;
    tell();
  });
  const exited = (text: string): void => {
    how ??= text;
    tell();
    core.clock.schedule(DRAIN_MS, () => {
      isDry = true;
      tell();
    });
  };
  child.once('exit', (code, signal) => exited(signal === null ? `exitcode ${code ?? 0}` : `signal ${signal}`));
  child.once('error', (error) => child.pid ?? exited(`it could not be started: ${error.message}`));
}
