/* A program with one worker, as the command line makes it: `worker-program.ts <pool>`. It says what it does, a line each. */
import { fileURLToPath } from 'node:url';
import { Worker } from '../../src/worker/worker.ts';
import { app } from './worker-tasks.ts';

const [pool] = process.argv.slice(2) as [string];
const appModule = new URL('./worker-tasks.ts', import.meta.url);
const include = [fileURLToPath(new URL('./worker-included.ts', import.meta.url))];
const worker = new Worker(app, { hostname: 'w1@box', pool, concurrency: 2, loglevel: 'info', handleSignals: true, appModule, include });
await worker.start();
console.log('ready');
await worker.closed;
await app.close();
console.log('closed');
