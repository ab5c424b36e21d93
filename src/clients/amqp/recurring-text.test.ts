import { expect, test } from 'vitest';
import { recurringText } from './recurring-text.ts';

test('texts are what their bytes say, however many there are and in whichever order they come', () => {
  const texts = Array.from({ length: 5000 }, (_, i) => ['', 'id', `header-${i}`, `${i}`, 'näme', `długa nazwa ${i % 7} czegoś, co się nie mieści`][i % 6]!);
  for (const text of [...texts, ...texts.toReversed()]) {
    const buffer = Buffer.from(`<<${text}>>`);
    expect(recurringText(buffer, 2, buffer.length - 2)).toBe(text);
  }
});

test('what is kept does not change with the buffer that it came in', () => {
  const buffer = Buffer.from('celery');
  expect(recurringText(buffer, 0, 6)).toBe('celery');
  buffer.write('CELERY');
  expect(recurringText(buffer, 0, 6)).toBe('CELERY');
  expect(recurringText(Buffer.from('celery'), 0, 6)).toBe('celery');
});
