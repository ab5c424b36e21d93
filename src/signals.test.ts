import { expect, test } from 'vitest';
import { silentLogger } from './kernel/logger.ts';
import { createSignals } from './signals.ts';

test('listeners hear in order, of their sender only, until disposed of', async () => {
  const signals = createSignals(() => silentLogger);
  const heard: string[] = [];
  const stop = signals.on('importModules', () => void heard.push('all'));
  signals.on('importModules', async () => void heard.push('add'), { sender: { name: 'add' } });
  expect(signals.emit('importModules', {}, 'mul')).toBeUndefined();
  await signals.emit('importModules', {}, 'add');
  expect(heard).toEqual(['all', 'all', 'add']);
  stop[Symbol.dispose]();
  await signals.emit('importModules', {}, 'add');
  expect(heard.slice(3)).toEqual(['add']);
  expect([signals.has('importModules'), signals.has('workerReady')]).toEqual([true, false]);
});

test('an error in a listener is logged and does not reach the others', async () => {
  const logged: unknown[] = [];
  const signals = createSignals(() => ({ ...silentLogger, error: (message, data) => void logged.push(message, data) }));
  const heard: string[] = [];
  signals.on('importModules', () => {
    throw new Error('one');
  });
  signals.on('importModules', () => Promise.reject(new Error('two')));
  signals.on('importModules', () => void heard.push('three'));
  await signals.emit('importModules', {});
  expect(heard).toEqual(['three']);
  expect(logged).toEqual([
    expect.stringContaining('importModules'),
    { error: new Error('one') },
    expect.stringContaining('importModules'),
    { error: new Error('two') },
  ]);
});
