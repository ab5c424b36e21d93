/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
/** Called in the failing worker, in process, as Celery does for callbacks of three arguments. `app.errback` makes one. */
export interface Errback<Stored extends readonly unknown[] = any> {
  readonly name: string;
  readonly '~errback': true;
  /** The same with arguments stored; the handler gets them after request, error and traceback. */
  s(...stored: Stored): Errback<[]>;
}
