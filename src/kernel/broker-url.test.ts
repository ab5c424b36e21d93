import { expect, test } from 'vitest';
import { ImproperlyConfigured } from '../errors.ts';
import { maskText, maskUrl, parseUrl, parseUrls, schemeOf } from './broker-url.ts';

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
  ['amqp://user:ab/cd/SECRET@host//', 'amqp://user:**@host//'],
  ['redis://:pa@SECRET@127.0.0.1/0', 'redis://:**@127.0.0.1/0'],
  ['redis://u:12/SECRET@host/0', 'redis://u:**@host/0'],
  ['amqp://bob@example.org:SECRET@host//', 'amqp://bob@example.org:**@host//'],
  ['amqp://us/er:SECRET@host//', 'amqp://us/er:**@host//'],
  ['redis://:x://SECRET@host/0', 'redis://:**@host/0'],
  ['redis://:a/b@S@a;redis://c:6379/0;redis://:c/d@E@b', 'redis://:**@a;redis://c:6379/0;redis://:**@b'],
  ['["redis://:a/b@S@a","redis://:c/d@E@b"]', '["redis://:**@a","redis://:**@b"]'],
  ['sentinel://host/0?sentinel_password=SECRET&x=1', 'sentinel://host/0?sentinel_password=**&x=1'],
  ['rediss://host/0?ssl_keyfile_password=SECRET', 'rediss://host/0?ssl_keyfile_password=**'],
  ['amqps://host?passphrase=SECRET;amqps://other', 'amqps://host?passphrase=**;amqps://other'],
  ['rediss://host?ssl_keyfile=/etc/key.pem', 'rediss://host?ssl_keyfile=/etc/key.pem'],
  ['redis://host:6379/0', 'redis://host:6379/0'],
  ['mail@example.org', 'mail@example.org'],
])('%s is shown as %s', (text, shown) => {
  expect(maskUrl(text)).toBe(shown);
  expect(maskText(text)).toBe(shown);
});

test.each([
  ['no redis://:se cret/x@host/0 there', 'no redis://:se cret/x@host/0 there', 'no redis://:**@host/0 there'],
  ['lost redis://h:1/0: ask admin@example.org', 'lost redis://h:1/0: ask admin@example.org', 'lost redis://h:**@example.org'],
])('what is more than a URL is shown as text, what is a URL as one: %s', (text, asText, asUrl) => {
  expect(maskText(text)).toBe(asText);
  expect(maskUrl(text)).toBe(asUrl);
});

test('a blank in a password does not show it, nor do paths in a stack get lost', () => {
  expect(maskText('cannot reach redis://:a b@c d@host/0: refused')).toBe('cannot reach redis://:**@host/0: refused');
  const frame = 'at run (file:///app/node_modules/.pnpm/pkg@1.0.0/x.js:1:2)\n at file:///C:/app/@scope/x.js:1:2';
  expect(maskText(frame)).toBe(frame);
});

test.each(['amqp://user:ab/cd/SECRET@host//', 'redis://:a b/SECRET@host/0', ':SECRET@host', 'guest:12/SECRET@host'])(
  '%s is refused without its password',
  (text) => {
    expect(() => parseUrl(text)).toThrow(ImproperlyConfigured);
    expect(() => parseUrl(text)).not.toThrow(/SECRET/);
  },
);

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
