import { Celery } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { startFleet } from './fleet.ts';
import { ledgerOf, type Ledger } from './ledger.ts';

/* Work that goes on while something goes wrong, and what has become of every piece of it. */

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The environment of the workers, as `tasks.ts` reads it. */
export interface ChaosEnv {
  readonly CHAOS_BROKER: string;
  readonly CHAOS_BACKEND?: string;
  readonly CHAOS_QUEUE?: string;
  readonly CHAOS_QUEUE_TYPE?: 'classic' | 'quorum';
  readonly CHAOS_LOGS: string;
}

/** What is to be undone after the test. */
export type CleanUp = (action: () => Promise<void> | void) => void;

/** What the dead held, or what the broker had, is back within this. */
const BACK_MS = 45_000;

/** More than this may not wait to be done. */
const MOST_WAITING = 1000;

/** Sends work until told to stop; what the broker took is in `sent`. */
async function producer(env: ChaosEnv, ended: () => number): Promise<{ readonly sent: string[]; stop(): Promise<void> }> {
  const url = env.CHAOS_BROKER;
  const app = new Celery('chaos-producer', {
    broker: url,
    backend: env.CHAOS_BACKEND ?? url,
    taskIgnoreResult: true,
    log: silentLogger,
    taskDefaultQueue: env.CHAOS_QUEUE ?? 'celery',
    taskDefaultQueueType: env.CHAOS_QUEUE_TYPE ?? 'classic',
  });
  const work = app.declare<(id: string, ms: number) => string>('chaos.work');
  const publishing = app.declare<(id: string, ms: number) => void>('chaos.publishing');
  const sent: string[] = [];
  let isStopped = false;
  let number = 0;
  const loop = (async () => {
    for (let round = 0; !isStopped; round++) {
      // No faster than the work is done: a backlog of minutes would hide what is lost.
      if (round % 20 === 0) while (!isStopped && sent.length - ended() > MOST_WAITING) await sleep(100);
      const ids = Array.from({ length: 20 }, () => `t${(number += 1)}`);
      await Promise.all(
        ids.map(async (id, i) => {
          // Not accepted while the server is away: then it was never promised.
          await (i % 10 === 9 ? publishing : work).delay(id, i % 4 === 0 ? 40 + Math.random() * 60 : i % 3).then(
            () => sent.push(id),
            () => undefined,
          );
        }),
      );
      await sleep(25);
    }
  })();
  return {
    sent,
    async stop() {
      isStopped = true;
      await loop;
      await app.close();
    },
  };
}

/** Kills workers one after another, at random moments, and gives the account. */
export async function killsUnderLoad(env: ChaosEnv, kills: number, cleanUp: CleanUp): Promise<Ledger> {
  const fleet = await startFleet(4, { ...env });
  cleanUp(() => fleet.stop());
  const load = await producer(env, () => fleet.ended());
  for (let i = 0; i < kills; i++) {
    await sleep(50 + Math.random() * 400);
    await fleet.killOne();
  }
  await sleep(300);
  await load.stop();
  await untilNothingIsLost(env, load.sent);
  await fleet.stop();
  const ledger = ledgerOf(env.CHAOS_LOGS, load.sent, fleet.killedAt);
  process.stdout.write(
    `chaos ledger (${nameOf(env)}, ${kills} kills): ${ledger.sent} sent, ${ledger.ended} done, ${ledger.lost.length} lost, ${ledger.repeated} ran again, ${ledger.unexplained.length} unexplained; ${ledger.redelivered.length} redelivered, ${ledger.doubled.length} published twice\n`,
  );
  return ledger;
}

export interface Disturbed extends Ledger {
  /** How long after each return of the server work went on. */
  readonly resumedMs: readonly number[];
  /** Of the workers, for a failure's message. */
  readonly output: string;
}

/** Disturbs the server again and again. `disturb` resolves when the server is there again, with that moment. */
export async function disturbedUnderLoad(env: ChaosEnv, times: number, disturb: (number: number) => Promise<number>, cleanUp: CleanUp): Promise<Disturbed> {
  const fleet = await startFleet(2, { ...env });
  cleanUp(() => fleet.stop());
  const load = await producer(env, () => fleet.ended());
  const resumedMs: number[] = [];
  for (let i = 0; i < times; i++) {
    await sleep(1000);
    const back = await disturb(i);
    // Whatever is finished from 50 ms after its return on was not merely the rest of what was running.
    await sleep(50);
    const before = fleet.ended();
    while (fleet.ended() <= before && Date.now() - back < 20_000) await sleep(20);
    resumedMs.push(Date.now() - back);
  }
  await sleep(500);
  await load.stop();
  await untilNothingIsLost(env, load.sent);
  await fleet.stop();
  const ledger = ledgerOf(env.CHAOS_LOGS, load.sent, new Map());
  process.stdout.write(
    `chaos (${nameOf(env)}): ${times} disturbances, work went on after ${resumedMs.map((ms) => `${ms} ms`).join(', ')}; ${ledger.sent} sent, ${ledger.ended} done, ${ledger.lost.length} lost, ${ledger.repeated} ran again: ${ledger.redelivered.length} redelivered, ${ledger.doubled.length} published twice\n`,
  );
  return { ...ledger, resumedMs, output: fleet.output() };
}

/** Gives up when nothing more has been found for as long as anything takes to come back. */
/** Waits for as long as what is missing grows less: a busy machine has much to catch up with. */
async function untilNothingIsLost(env: ChaosEnv, sent: readonly string[]): Promise<void> {
  for (let least = Infinity, end = Date.now() + BACK_MS; Date.now() < end; await sleep(250)) {
    const { lost } = ledgerOf(env.CHAOS_LOGS, sent, new Map());
    if (lost.length === 0) return;
    if (lost.length < least) end = Date.now() + BACK_MS;
    least = Math.min(least, lost.length);
  }
}

const nameOf = (env: ChaosEnv): string => [env.CHAOS_BROKER.split(':')[0], env.CHAOS_QUEUE_TYPE].filter((part) => part !== undefined).join(', ');
