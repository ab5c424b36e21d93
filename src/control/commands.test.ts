import { expect, test } from 'vitest';
import { commandOf, commands, readArgs, writeArgs } from './commands.ts';

test('finds commands by their names on the wire, old ones too', () => {
  expect(commandOf('rate_limit')).toBe('rateLimit');
  expect(commandOf('dump_active')).toBe('active');
  expect(commandOf('reboot')).toBeUndefined();
});

test('reads arguments as Python sends them: one id or a list, null for left out', () => {
  expect(readArgs(commands.revoke, { task_id: 'a', terminate: null, signal: 'SIGKILL' })).toEqual({ taskIds: ['a'], signal: 'SIGKILL' });
  expect(readArgs(commands.revoke, { task_id: ['a', 'b'], terminate: true, extra: 1 })).toEqual({ taskIds: ['a', 'b'], terminate: true });
});

test('what is required must be there, and numbers must be numbers', () => {
  expect(() => readArgs(commands.revoke, {})).toThrow("revoke() missing 1 required argument: 'task_id'");
  expect(() => readArgs(commands.poolGrow, { n: 'many' })).toThrow('n must be a number');
});

test('writes arguments under the names of the wire', () => {
  expect(writeArgs(commands.timeLimit, { task: 'proj.add', hard: 5 })).toEqual({ task_name: 'proj.add', hard: 5 });
});
