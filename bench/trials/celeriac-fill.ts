import { number } from './measure.ts';
import { add, app } from './tasks.ts';

const n = number('n', 50_000);
for (let i = 0; i < n; i += 1000) await app.sendMany(Array.from({ length: Math.min(1000, n - i) }, (_, j) => add.s(1, i + j)));
await app.close();
