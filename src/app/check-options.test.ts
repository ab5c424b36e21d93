import { describe, expect, test } from 'vitest';
import { ImproperlyConfigured } from '../errors.ts';
import { Celery } from './celery.ts';

const made = (options: object): unknown => new Celery('x', options as never).conf.brokerUrl;

describe('an app', () => {
  test.each([
    [{ brokr: 'redis://a' }, 'Did you mean "broker"?'],
    [{ backnd: 'redis://a' }, 'Did you mean "backend"?'],
    [{ strict_typing: false }, 'Did you mean "strictTyping"?'],
    [{ taskAcksLat: true }, 'Did you mean "taskAcksLate"?'],
    [{ task_acks_late: true }, '"task_acks_late" is written taskAcksLate here'],
    [{ BROKER_URL: 'redis://a' }, '"BROKER_URL" is written brokerUrl here'],
  ])('refuses %j', (options, words) => {
    expect(() => made(options)).toThrow(words);
    expect(() => made(options)).toThrow(ImproperlyConfigured);
  });

  test('takes settings of the user’s own', () => {
    expect(() => made({ favouriteColour: 'red' })).not.toThrow();
  });

  test('is configured with the names of settings, and says them to whoever writes those of the constructor', () => {
    const configured = (settings: object): unknown => new Celery('x').configure(settings as never).conf.brokerUrl;
    expect(() => configured({ broker: 'redis://a' })).toThrow('Did you mean "brokerUrl"?');
    expect(() => new Celery('x').configFromObject({ backend: 'redis://a' } as never).conf).toThrow('Did you mean "resultBackend"?');
  });

  test('needs its name first', () => {
    const Untyped = Celery as unknown as new (...args: unknown[]) => unknown;
    expect(() => new Untyped()).toThrow('the name comes first');
    expect(() => new Untyped({ broker: 'redis://a' })).toThrow('but got a value of the type object');
  });
});

describe('a task', () => {
  const app = new Celery('x', { broker: 'memory://' });
  const defined = (options: object): unknown => app.task('x.odd', options as never, () => 1);

  test.each([
    [{ maxRetris: 3 }, 'Did you mean "maxRetries"?'],
    [{ max_retries: 3 }, 'Did you mean "maxRetries"?'],
    [{ timeLimit: '10 sec' }, "timeLimit: expected seconds as a number, or a string such as '10s'"],
    [{ priority: 300 }, 'priority: expected a whole number from 0 to 9'],
    [
      { retryBackoff: '200ms' },
      'retryBackoff: expected true, a factor in seconds as a number, or a function such as (retries) => \'200ms\', but got the string "200ms".',
    ],
    [{ retryBackoff: -1 }, 'retryBackoff: expected true'],
    [{ autoretryFor: Error }, 'autoretryFor: expected a list of error classes such as [NetworkError]'],
    [{ autoretryFor: class NetworkError extends Error {} }, 'autoretryFor: expected a list of error classes'],
    [{ autoretryFor: ['Error'] }, 'autoretryFor: expected a list of error classes'],
    [{ autoretryFor: [undefined] }, 'autoretryFor: expected a list of error classes'],
    [{ dontAutoretryFor: TypeError }, 'dontAutoretryFor: expected a list of error classes'],
    [{ throws: ['TypeError'] }, 'throws: expected a list of error classes'],
    [{ retryKwargs: { max_retries: 3 } }, 'retryKwargs: expected an object such as { maxRetries: 5'],
    [{ retryKwargs: { countdown: 'soon' } }, 'retryKwargs: expected an object such as'],
    [{ acksLate: 'abc' }, 'acksLate: expected true or false, but got the string "abc".'],
    [{ maxRetries: '3' }, 'maxRetries: expected a whole number, 0 or more, or null for no limit, but got the string "3".'],
    [{ rateLimit: '100/x' }, 'rateLimit: expected calls a second as a number, or a string such as \'100/m\', but got the string "100/x".'],
    [{ queue: 5 }, 'queue: expected a string, but got 5.'],
    [{ params: 'x' }, 'params: expected a list of strings'],
    [{ args: ['x'] }, 'args: expected a schema'],
    [{ onFailure: 'mail' }, 'onFailure: expected a function'],
  ])('refuses %j', (options, words) => {
    expect(() => defined(options)).toThrow(words);
    expect(() => app.declare('x.elsewhere', options as never)).toThrow(words);
  });

  test.each([
    { retryBackoff: 0.5, maxRetries: null, rateLimit: '100/m' },
    { retryBackoff: () => '200ms', maxRetries: Infinity, rateLimit: null },
    { autoretryFor: [Error, 'requests.exceptions.ConnectionError', 'ValueError'], throws: [RangeError], retryKwargs: { maxRetries: null, countdown: '10s' } },
    { autoretryFor: (error: Error) => error.message.includes('429'), acksLate: null, kwargs: true },
    { timeLimit: null, softTimeLimit: undefined, queue: undefined },
  ])('takes what is right: %j', (options) => {
    expect(() => app.declare('x.right', options as never)).not.toThrow();
  });

  test('takes attributes of the user’s own', () => {
    expect(() => defined({ favouriteColour: 'red' })).not.toThrow();
  });

  test('without a function says what belongs there', () => {
    expect(() => (app.task as unknown as (name: string) => unknown)('x.lost')).toThrow("app.declare('x.lost')");
  });
});
