import type { Logger } from '../kernel/logger.ts';
import type { Worker } from './worker.ts';

/**
 * What Celery does on signals. TERM and INT: warm, then cold. QUIT: cold. One more after a cold one ends the process on the spot.
 * Sets the exit code as Celery does: 0 after TERM, 1 after INT, QUIT and whatever was cold. The program waits for `worker.closed`, then exits.
 */
export function handleSignals(worker: Worker, log: Logger): void {
  let stage: 'running' | 'warm' | 'cold' = 'running';
  const hear = (signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT'): void => {
    if (stage === 'cold') process.exit(1);
    const isCold = signal === 'SIGQUIT' || stage === 'warm';
    stage = isCold ? 'cold' : 'warm';
    process.exitCode = signal === 'SIGTERM' && !isCold ? 0 : 1;
    if (signal === 'SIGINT' && !isCold) log.warn('hitting Ctrl+C again will terminate all running tasks!');
    void worker.stop({ mode: isCold ? 'cold' : 'warm', signal });
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
  for (const signal of signals) process.on(signal, hear);
  const forget = (): void => {
    for (const signal of signals) process.off(signal, hear);
  };
  worker.closed.then(forget, forget);
}
