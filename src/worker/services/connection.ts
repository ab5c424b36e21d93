import type { Service } from '../../kernel/service.ts';
import type { WorkerParts } from './parts.ts';

/** The worker's own road to the broker. When it is lost, everything that requires it starts again once it is back. */
export function connection({ context, onLost, stopAsked }: WorkerParts): Service {
  let listening: Disposable | undefined;
  return {
    name: 'connection',
    requires: ['pool'],
    async start() {
      const link = await context.core.openLink('worker');
      context.link = link;
      listening = link.onLost(onLost);
      await link.connection(stopAsked).catch(async (error: unknown) => {
        await link.close();
        throw error;
      });
      context.log.info(`Connected to ${link.address}`);
    },
    async stop() {
      listening?.[Symbol.dispose]();
      // Safe before the start: then there is none.
      await (context.link as typeof context.link | undefined)?.close();
    },
    info: () => ({ broker: context.link.address }),
  };
}
