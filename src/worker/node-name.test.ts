import { expect, test } from 'vitest';
import { fillNodeName, nodeName } from './node-name.ts';

test.each([
  [undefined, 'celery@box.example.org'],
  ['', 'celery@box.example.org'],
  ['w1', 'w1@box.example.org'],
  ['w1@elsewhere', 'w1@elsewhere'],
  ['w1@%h', 'w1@box.example.org'],
  ['w1@%n', 'w1@box'],
  ['w1@%d', 'w1@example.org'],
  ['w%%1@%n', 'w%1@box'],
])('the node name of %j is %s', (given, name) => {
  expect(nodeName(given, 'box.example.org')).toBe(name);
});

test('fills the node into the names of files', () => {
  expect(fillNodeName('/var/log/%n%I.log', 'w1@box')).toBe('/var/log/w1.log');
  expect(fillNodeName('%p-%h', 'w1@box')).toBe('w1@box-box');
});
