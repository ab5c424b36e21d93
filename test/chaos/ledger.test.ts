import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ledgerOf } from './ledger.ts';

/** What the chaos tests judge by must itself be able to say no. */
function ledger(logs: Readonly<Record<number, readonly string[]>>, sent: readonly string[], killedAt: ReadonlyMap<number, number> = new Map()) {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [pid, lines] of Object.entries(logs)) writeFileSync(join(folder, `${pid}.log`), `${lines.join('\n')}\n`);
  return ledgerOf(folder, sent, killedAt);
}

test('what was sent, or published by a task, and did not end is lost', () => {
  const { lost, sent, ended } = ledger({ 1: ['S a 10 new', 'P a/child 15 new', 'E a 20 new', 'S b 30 new'] }, ['a', 'b', 'c']);
  expect({ lost, sent, ended }).toEqual({ lost: ['b', 'c', 'a/child'], sent: 4, ended: 1 });
});

test('a second run is explained by a kill that cut the first short, and by nothing later', () => {
  const runs = { 1: ['S a 10 new', 'S b 10 new', 'E b 20 new'], 2: ['S a 900 redelivered', 'E a 910 new', 'S b 5000 redelivered', 'E b 5010 new'] };
  expect(ledger(runs, ['a', 'b'], new Map([[1, 100]])).unexplained).toEqual([]);
  expect(ledger(runs, ['a', 'b'], new Map([[1, 3000]])).unexplained).toEqual([expect.stringMatching(/^b: /)]);
  expect(ledger(runs, ['a', 'b']).unexplained).toHaveLength(2);
});

test('a child may run again when the task that sent it did, and not otherwise', () => {
  const twice = ['S a/child 30 new', 'E a/child 40 new', 'S a/child 50 new', 'E a/child 60 new'];
  expect(ledger({ 1: ['S a 10 new', 'E a 20 new', 'S a 11 redelivered', 'E a 21 new', ...twice] }, ['a']).unexplained).toEqual([expect.stringMatching(/^a: /)]);
  expect(ledger({ 1: ['S a 10 new', 'E a 20 new', ...twice] }, ['a']).unexplained).toEqual([expect.stringMatching(/^a\/child: /)]);
});

test('a message that came again is told from one that was published twice', () => {
  const { redelivered, doubled } = ledger({ 1: ['S a 10 new', 'E a 20 new', 'S b 10 new', 'E b 20 new'], 2: ['S a 30 redelivered', 'S b 30 new'] }, ['a', 'b']);
  expect([redelivered, doubled]).toEqual([[expect.stringMatching(/^a: /)], [expect.stringMatching(/^b: /)]]);
});
