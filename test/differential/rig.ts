// The programs of the differential test beside one broker, a worker and a producer a language: trees go out in batches, and come back as outcomes.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Value } from '../../src/protocol/json.ts';
import { startProducer, startWorker, type Producer, type Programs, type Urls, type WorkerProgram } from '../interop/processes.ts';
import { differences } from './difference.ts';
import { outcomeOf, progressOf, type Outcome, type Sent } from './outcome.ts';
import { taggedOf, type Tag, type Tree } from './trees.ts';

export type Language = 'ts' | 'py';
const programs: Programs = {
  ts: { tasks: 'test/differential/tasks.ts', driver: 'test/differential/driver.ts' },
  py: { folder: join(import.meta.dirname, 'python'), tasks: 'diff_tasks', driver: 'diff_driver.py' },
};

export interface Rig {
  /**
   * Runs trees and tells what came of each. Without `expected` it waits until the broker holds no message any more: messages are acknowledged late, so
   * nothing can follow then (Redis only, and one such run after another). With it, until each tree has come as far as is expected, or nothing of this run
   * has moved for `patienceMs` (15 s); other such runs may go on beside it.
   */
  run(trees: readonly Tree[], from: Language, to: Language, expected?: readonly Outcome[], patienceMs?: number): Promise<readonly Outcome[]>;
  stop(): Promise<void>;
}

export async function startRig(urls: Urls, python: string, languages: readonly Language[] = ['ts', 'py']): Promise<Rig> {
  const workers = {} as Record<Language, WorkerProgram>;
  const producers = {} as Record<Language, Producer>;
  await Promise.all(
    languages.flatMap((language) => [
      startWorker(language, python, urls, programs).then((worker) => (workers[language] = worker)),
      startProducer(language, python, urls, programs).then((producer) => (producers[language] = producer)),
    ]),
  );
  const broker = new Redis(urls.broker.startsWith('redis') ? urls.broker : urls.backend);
  const results = new Redis(urls.backend);
  const tell = (producer: Producer, command: object): Promise<any> => producer.ask(command as Record<string, Value>);

  const go: Rig['run'] = async (trees, from, to, expected, patienceMs = 15_000) => {
    const plans = trees.map((tree) => ({ tree, run: randomUUID(), ids: Object.fromEntries(taggedOf(tree).map(({ tag }) => [tag, randomUUID() as string])) }));
    const answers = (await tell(producers[from], { do: 'send', queue: to, plans })) as Sent['answer'][];
    const sent = plans.map(({ run: name, ids }, index): Sent => ({ run: name, ids, answer: answers[index]! }));
    const look = async (at: readonly number[]): Promise<readonly Outcome[]> => {
      const views = (await tell(producers[from], { do: 'views', tuples: at.map((index) => answers[index]!.tuple ?? null) })) as unknown[];
      return Promise.all(at.map((index, position) => outcomeOf(results, trees[index]!, sent[index]!, views[position])));
    };
    const all = [...trees.keys()];
    if (expected === undefined) await untilIdle(broker, to);
    else await untilAsFar(results, sent, expected, patienceMs);
    const outcomes = [...(await look(all))];
    if (expected !== undefined)
      await lookAgain(outcomes, look, (index) => differences(expected[index]!, outcomes[index]!, { from, to }).length > 0, patienceMs);
    for (const each of sent) await results.del(`runs:${each.run}`);
    return outcomes;
  };
  let alone: Promise<unknown> = Promise.resolve();
  return {
    run(trees, from, to, expected, patienceMs) {
      if (trees.length === 0) return Promise.resolve([]);
      if (expected !== undefined) return go(trees, from, to, expected, patienceMs);
      const done = alone.then(() => go(trees, from, to));
      alone = done.catch(() => undefined);
      return done;
    },
    async stop() {
      for (const producer of Object.values(producers)) producer.close();
      await Promise.all(Object.values(workers).map((worker) => worker.stop()));
      broker.disconnect();
      results.disconnect();
    },
  };
}

const sleepMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function untilIdle(broker: Redis, queue: string): Promise<void> {
  // Between taking a message and noting that it holds it, kombu has it in neither: one look is not enough.
  let looks = 0;
  for (const end = performance.now() + 120_000; performance.now() < end; await sleepMs(25)) {
    const [[, waiting], [, held]] = (await broker.multi().llen(queue).hlen('unacked').exec()) as [[null, number], [null, number]];
    looks = waiting === 0 && held === 0 ? looks + 1 : 0;
    if (looks === 8) return;
  }
  throw new Error(`the queue ${queue} did not run empty within 120 s`);
}

async function untilAsFar(results: Redis, sent: readonly Sent[], expected: readonly Outcome[], patienceMs: number): Promise<void> {
  let open = sent.map((each, index) => ({ sent: each, ...wanted(each, expected[index]!) }));
  let moved = performance.now();
  let before = '';
  while (open.length > 0 && performance.now() - moved < patienceMs) {
    const seen = await Promise.all(open.map((each) => progressOf(results, each.sent, each.runs)));
    open = open.filter(({ ended, runs }, index) => seen[index]!.runs < runs || ended.some((tag) => !seen[index]!.ended.has(tag)));
    const now = seen.map((each) => `${each.ended.size}/${each.runs}`).join();
    if (now !== before) moved = performance.now();
    before = now;
    if (open.length > 0) await sleepMs(50);
  }
}

/** Not all that ends has a tag (chunks, handles of groups), so outcomes that differ may be looks that came too early: they are looked at again for as long as anything in them moves. */
async function lookAgain(
  outcomes: Outcome[],
  look: (at: readonly number[]) => Promise<readonly Outcome[]>,
  differs: (index: number) => boolean,
  patienceMs: number,
): Promise<void> {
  let open = [...outcomes.keys()].filter(differs);
  for (let moved = performance.now(); open.length > 0 && performance.now() - moved < patienceMs; open = open.filter(differs)) {
    await sleepMs(250);
    for (const [position, outcome] of (await look(open)).entries()) {
      const index = open[position]!;
      if (JSON.stringify(outcome) !== JSON.stringify(outcomes[index])) moved = performance.now();
      outcomes[index] = outcome;
    }
  }
}

/** Where a tree counts as done. */
const wanted = (sent: Sent, expected: Outcome): { readonly ended: readonly Tag[]; readonly runs: number } => ({
  ended: Object.entries(expected.metas).flatMap(([tag, meta]) => (tag in sent.ids && (meta as { status: string }).status !== 'RETRY' ? [tag] : [])),
  runs: expected.runs.length,
});
