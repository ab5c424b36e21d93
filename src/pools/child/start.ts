import { logStrayErrors } from '../../execution/stray-errors.ts';
import { redirectConsole } from '../../kernel/redirect-console.ts';
import type { ChildCore } from './core.ts';
import type { ChildConfig, ChildPort } from './port.ts';
import { ChildServer } from './serve.ts';

/** A child's whole life: loads the app, then runs what it is given. */
export async function startChild(port: ChildPort, config: ChildConfig): Promise<void> {
  try {
    const { loadCore } = (await (config.bootstrap === null ? import('./load.ts') : import(config.bootstrap))) as {
      loadCore(config: ChildConfig): Promise<ChildCore>;
    };
    const core = await loadCore(config);
    const server = new ChildServer(port, core, config);
    if (core.printLevel !== undefined) redirectConsole(server.log, core.printLevel);
    // A promise that a task forgot is no reason to lose the others' work. What is thrown ends this child, and the pool makes another.
    logStrayErrors(server.log, { exceptions: false });
    server.start();
  } catch (error) {
    port.send([{ kind: 'broken', error: error instanceof Error ? (error.stack ?? String(error)) : String(error) }], () => port.exit(1));
  }
}
