import { expect, test } from 'vitest';
import { parseUrls } from '../kernel/broker-url.ts';
import { redisAddress } from './redis-address.ts';

const addressOf = (url: string, transportOptions: Readonly<Record<string, unknown>> = {}) => redisAddress(parseUrls(url)[0]!, { transportOptions });

test('reads host, port, login and database', () => {
  expect(addressOf('redis://user:p%40ss@[::1]:6380/5')).toMatchObject({
    host: '::1',
    port: 6380,
    username: 'user',
    password: 'p@ss',
    db: 5,
    tls: undefined,
    path: undefined,
  });
  expect(addressOf('redis')).toMatchObject({ host: '127.0.0.1', port: 6379, username: undefined, password: undefined, db: 0 });
  expect(addressOf('rediss://h').tls).toEqual({ rejectUnauthorized: true });
  expect(addressOf('rediss://h?ssl_cert_reqs=CERT_NONE').tls).toEqual({ rejectUnauthorized: false });
});

test('reads the path of a socket', () => {
  expect(addressOf('redis+socket:///run/redis.sock?virtual_host=3')).toMatchObject({ path: '/run/redis.sock', db: 3 });
});

test('gathers sentinels that follow one another', () => {
  const options = { master_name: 'mymaster', sentinel_kwargs: { password: 'secret' } };
  expect(addressOf('sentinel://a:1/2;sentinel://b:2/2;sentinel://c', options)).toMatchObject({
    db: 2,
    sentinel: {
      masterName: 'mymaster',
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
        { host: 'c', port: 26_379 },
      ],
      password: 'secret',
    },
  });
});

test('what is shown hides the password', () => {
  expect(addressOf('redis://:secret@h/0').shown).toBe('redis://:**@h/0');
});

test.each([
  ['redis://h/zero', /number of a database .* not "zero"/],
  ['redis://h?ssl_ca_certs=x', /ssl_ca_certs given, but redis:\/\/ is not encrypted: write rediss:\/\//],
  ['rediss://h?ssl_cert_reqs=maybe', /ssl_cert_reqs must be required, optional or none, not "maybe"/],
  ['sentinel://h', /master_name/],
])('%s is refused in words', (url, words) => {
  expect(() => addressOf(url)).toThrow(words);
});

test('what is left of a password whose slash is not escaped is not shown', () => {
  expect(() => addressOf('redis://u:12/SECRET@host/0')).toThrow(/redis:\/\/u:\*\*@host\/0: .*In a password \/ is written %2F/);
  expect(() => addressOf('redis://u:12/SECRET@host/0')).not.toThrow(/SECRET/);
});
