/** Goes on with a value at once, or with a promise's when it is there: codecs that are loaded stay synchronous. */
export function andThen<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
