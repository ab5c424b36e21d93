/** AMQP's topic patterns as kombu 5.7 stores and matches them: `*` is exactly one word, `#` is any text (celery-5.7.md 7.2). */
export function topicPattern(routingKey: string): RegExp {
  return new RegExp(topicPatternText(routingKey));
}

/** The text of that expression: on Redis it is part of a binding's set member. */
export function topicPatternText(routingKey: string): string {
  const words = routingKey.split('.').map((word) => (word === '*' ? String.raw`[^\.]+` : word === '#' ? '.*?' : escaped(word)));
  return `^${words.join(String.raw`\.`)}$`;
}

const escaped = (word: string): string => word.replaceAll(/[^A-Za-z0-9]/g, String.raw`\$&`);
