import { loadApp, loadModule } from '../../app/autoload.ts';
import { coreOf } from '../../app/core.ts';
import { levelOf } from '../../kernel/logger.ts';
import { receiveTask } from '../../protocol/task-message.ts';
import type { ChildCore } from './core.ts';
import type { ChildConfig } from './port.ts';

/** Loads the app as the worker did, and gives what a child needs of it. */
export async function loadCore({ appModule, include }: ChildConfig): Promise<ChildCore> {
  const core = coreOf(await loadApp(appModule));
  for (const module of include) await loadModule(module);
  const { settings, serializers } = core;
  const limits = { accept: settings.acceptContent, maxBytes: settings.brokerMaxMessageBytes };
  return {
    clock: core.clock,
    findTask: (name) => core.tasks.get(name),
    receive: (source) =>
      receiveTask(
        source,
        (message) => serializers.decode(message, limits),
        (message) => serializers.jsonText(message, limits.accept),
      ),
    setHost: (host) => core.setHost(host),
    setLog: (log) => core.setLog(log),
    printLevel: settings.workerRedirectStdouts ? (levelOf(settings.workerRedirectStdoutsLevel) ?? 'WARNING') : undefined,
    close: () => core.close(),
  };
}
