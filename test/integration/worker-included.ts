/* A module that only the worker of `worker-program.ts` names, by `include`. */
import { app } from './worker-tasks.ts';

app.task('proj.included', () => process.pid);
