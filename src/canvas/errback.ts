/** Called in the failing worker, in process, as Celery does for callbacks of three arguments. `app.errback` makes one. */
export interface Errback<Stored extends readonly unknown[] = any> {
  readonly name: string;
  readonly '~errback': true;
  /** The same with arguments stored; the handler gets them after request, error and traceback. */
  s(...stored: Stored): Errback<[]>;
}
