// Sends the quickstart's tasks and waits for their results. A worker must run: see tasks.ts.
import { TaskFailure } from 'celeriac';
import { add, app, charge, flaky, greet, resizeAll } from './tasks.ts';

const sum = await add.delay(2, 2);
console.log(`add(2, 2) = ${await sum.get({ timeout: 30 })}`);

const greeting = await app.sendTask('quickstart.greet', ['Ada'], { kwargs: { polite: true } });
console.log(`greet('Ada', polite=True) = ${String(await greeting.get({ timeout: 30 }))}`);
console.log(`greet('Bob') = ${await (await greet.delay('Bob')).get({ timeout: 30 })}`);

const resizing = await resizeAll.delay(['a.png', 'b.png', 'c.png']);
for await (const { state, info } of resizing.updates({ timeout: 30 })) console.log(`resizeAll: ${state} ${JSON.stringify(info)}`);

const weather = await flaky.delay('Lisbon');
console.log(`flaky('Lisbon') = ${await weather.get({ timeout: 30 })}`);

try {
  await (await charge.delay(-5)).get({ timeout: 30 });
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.log(`charge(-5) failed, as it should: ${error instanceof TaskFailure ? error.type : error.name}: ${error.message}`);
}
await app.close();
