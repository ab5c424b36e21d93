import { expect, test } from 'vitest';
import { ImproperlyConfigured } from '../../errors.ts';
import { RedisKeys } from './keys.ts';
import { redisTransportOptions } from './options.ts';

const keysWith = (options: Parameters<typeof redisTransportOptions>[0] = {}, db = 0): RedisKeys => new RedisKeys(redisTransportOptions(options, db));

test('a priority goes to the list of its step, as in kombu', () => {
  const keys = keysWith();
  expect([undefined, -1, 0, 2, 3, 5, 6, 8, 9, 200].map((priority) => keys.list('q', priority))).toEqual(
    ['', '', '', '', '3', '3', '6', '6', '9', '9'].map((step) => (step === '' ? 'q' : `q\x06\x16${step}`)),
  );
  expect(keys.lists('q')).toEqual(['q', 'q\x06\x163', 'q\x06\x166', 'q\x06\x169']);
});

test("kombu's options change the names", () => {
  const keys = keysWith({ global_keyprefix: 'pfx:', sep: ':', priority_steps: [0, 5], unacked_key: 'held', fanout_prefix: '/x/{db}.' }, 5);
  expect([keys.list('q', 9), keys.unacked, keys.bindings('ex'), ...keys.channels('ex/a'), keys.taken('q', 'o')]).toEqual([
    'pfx:q:5',
    'pfx:held',
    'pfx:_kombu.binding.ex',
    'pfx:/x/5.ex/a',
    'pfx:q/taken/o',
  ]);
  expect(keysWith({}, 5).channels('ex')).toEqual(['/5.ex']);
  expect(keysWith({ fanout_prefix: false }).channels('ex')).toEqual(['ex']);
});

test('behind sentinels, where it is asked for, the channels of kombu before 5.4 are used too: the prefix with its {db}', () => {
  const channels = (options: Parameters<typeof redisTransportOptions>[0], isSentinel: boolean): readonly string[] =>
    new RedisKeys(redisTransportOptions(options, 5, isSentinel)).channels('ex');
  expect(channels({ sentinel_fanout_compat: true }, true)).toEqual(['/5.ex', '/{db}.ex']);
  expect(channels({ sentinel_fanout_compat: true, global_keyprefix: 'p:', fanout_prefix: '{db}/' }, true)).toEqual(['p:5/ex', 'p:{db}/ex']);
  expect(channels({ sentinel_fanout_compat: true, fanout_prefix: 'mine.' }, true)).toEqual(['mine.ex']);
  expect(channels({ sentinel_fanout_compat: true }, false)).toEqual(['/5.ex']);
  expect(channels({}, true)).toEqual(['/5.ex']);
});

test('tells whose a tag is', () => {
  expect(RedisKeys.ownerOf('celeriac/0b7/w1@host/00001/17')).toBe('0b7');
  expect(RedisKeys.ownerOf('celeriac/eta/task-id/00001/17')).toBeUndefined();
  expect(RedisKeys.ownerOf('17ffafeb-abbe-4e28-b301-5210e62f630c')).toBeUndefined();
});

test('an option of the wrong kind is named', () => {
  expect(() => redisTransportOptions({ priority_steps: 'a' }, 0)).toThrow(ImproperlyConfigured);
  expect(() => redisTransportOptions({ sep: 1 }, 0)).toThrow(/brokerTransportOptions\.sep: a string was expected, but it is 1/);
  expect(() => redisTransportOptions({ socket_timeout: 'soon' }, 0)).toThrow(/socket_timeout: a number was expected/);
});
