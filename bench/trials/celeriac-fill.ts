// Sends --n tasks. With --stays=1 it is also who waits for the results: it ends when the last of them are here.
import { argument, number } from './measure.ts';
import { add, app } from './tasks.ts';

const n = number('n', 50_000);
const stays = argument('stays', '0') === '1';
for (let i = 0; i < n; i += 1000) {
  const sent = await app.sendMany(Array.from({ length: Math.min(1000, n - i) }, (_, j) => add.s(1, i + j)));
  if (!stays || i + 1000 < n) continue;
  process.stdout.write('filled\n');
  const sums = (await Promise.all(sent.map((result) => result.get({ timeout: 120 })))) as number[];
  sums.forEach((sum, j) => {
    if (sum !== i + j + 1) throw new Error(`task ${i + j} came back with ${sum}`);
  });
}
await app.close();
