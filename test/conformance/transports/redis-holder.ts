/* A process that takes messages, says which, and then does nothing with them: to be killed. */
import { messageOf, openStore, take } from './redis-server.ts';
import { newId } from '../../../src/kernel/ids.ts';

const [url = '', options = '{}'] = process.argv.slice(2);

async function hold(): Promise<void> {
  const owner = newId();
  const store = await openStore(new URL(url), { owner, transportOptions: JSON.parse(options) as { [name: string]: number } });
  setInterval(() => void store.renew(Number((JSON.parse(options) as { lease_ms?: number }).lease_ms ?? 1000)), 300);
  // What is in the taken list at the end is as good as held.
  const waiting = take(store, ['q'], 10_000);
  await store.put('q', messageOf('woken'));
  const first = await waiting;
  const rest = await take(store, ['q']);
  process.stdout.write(`${JSON.stringify([...first, ...rest].map(({ message }) => message.headers['id']))}\n`);
}

void hold();
