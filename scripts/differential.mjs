// `npm run differential`: random workflows in four pairs of producer and worker, on Redis and on RabbitMQ, beside Celery itself.
//   DIFFERENTIAL_TREES=2000   how many (2,000)
//   DIFFERENTIAL_SEED=1       from which seed on: the number that a failure names
// After each batch a line says what is proven so far, and with which two numbers a run that was interrupted goes on.
import { prove } from './proof.mjs';

await prove('test/differential', { DIFFERENTIAL_TREES: '2000' });
