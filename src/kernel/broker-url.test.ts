import { expect, test } from 'vitest';
import { ImproperlyConfigured } from '../errors.ts';
import { maskUrl, parseUrl, parseUrls, schemeOf } from './broker-url.ts';

test('several URLs stand in one text or in a list', () => {
  expect(parseUrls('redis://a:1/0; redis://b:2/0;').map(String)).toEqual(['redis://a:1/0', 'redis://b:2/0']);
  expect(parseUrls(['redis://a', 'amqp://b;amqp://c']).map(String)).toEqual(['redis://a', 'amqp://b', 'amqp://c']);
});

test('sentinels that follow one another are one address', () => {
  const [url, ...others] = parseUrls('sentinel://a:1/0;sentinel://b:2;sentinel://c:3;redis://d');
  expect(url!.host).toBe('a:1');
  expect(url!.searchParams.get('sentinels')).toBe('b:2,c:3');
  expect(others.map(String)).toEqual(['redis://d']);
});

test('the name of a transport is a URL', () => {
  expect([parseUrl('memory'), parseUrl('sqla+sqlite')].map(schemeOf)).toEqual(['memory', 'sqla+sqlite']);
});

test('nothing, and what is no URL, is refused without showing its password', () => {
  expect(() => parseUrls('')).toThrow(ImproperlyConfigured);
  expect(() => parseUrls([' ; '])).toThrow(ImproperlyConfigured);
  expect(() => parseUrl('redis://:se cret@ho st:x/')).toThrow(ImproperlyConfigured);
  expect(() => parseUrl('redis://:secret@host:port/')).toThrow(/:\*\*@/);
  expect(() => parseUrl('redis://:secret@host:port/')).not.toThrow(/secret/);
});

test.each([
  ['redis://:secret@host:6379/0', 'redis://:**@host:6379/0'],
  ['amqp://user:secret@host//', 'amqp://user:**@host//'],
  ['amqp://user:se/cr?et#@host//', 'amqp://user:**@host//'],
  ['redis://host/0?password=secret&x=1', 'redis://host/0?password=**&x=1'],
  ['sqs://host?secret_access_key=secret', 'sqs://host?secret_access_key=**'],
  ['redis://:secret@a;redis://:secret@b', 'redis://:**@a;redis://:**@b'],
  ['cannot reach redis://u:secret@h:1/0: refused', 'cannot reach redis://u:**@h:1/0: refused'],
  ['redis://host:6379/0', 'redis://host:6379/0'],
  ['mail@example.org', 'mail@example.org'],
])('%s is shown as %s', (text, shown) => {
  expect(maskUrl(text)).toBe(shown);
});

test.each([
  ['localhost:6379', 'did you mean redis://localhost:6379?'],
  ['127.0.0.1:5672//', 'did you mean amqp://127.0.0.1:5672//?'],
  ['guest:secret@rabbit:5672', 'did you mean amqp://guest:**@rabbit:5672?'],
  ['broker.example.org:1234', 'did you mean redis://broker.example.org:1234 or amqp://broker.example.org:1234?'],
])('%s has no scheme, and is told which', (text, words) => {
  expect(() => parseUrl(text)).toThrow(words);
  expect(() => parseUrl(text)).toThrow(ImproperlyConfigured);
  expect(() => parseUrl(text)).not.toThrow(/secret/);
});
