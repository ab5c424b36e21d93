import { Mailbox } from '../../messaging/mailbox.ts';
import type { Service } from '../../kernel/service.ts';
import { mailboxNames } from '../../app/mailbox-names.ts';
import type { WorkerParts } from './parts.ts';

/** Hears remote commands; not where the transport has no way to say something to all. */
export function control({ context, command }: WorkerParts): Service {
  let mailbox: Mailbox | undefined;
  return {
    name: 'control',
    requires: ['connection', 'pool', 'events'],
    async start() {
      const { core, clock, hostname, link, log, options } = context;
      if (link.transport.capabilities.broadcast === false)
        return log.warn(`remote control is off: ${link.transport.name} cannot send one message to all workers`);
      const { lamport, serializers, settings } = core;
      const { accept, maxBytes } = options;
      const handle = ({ method, args }: Parameters<ConstructorParameters<typeof Mailbox>[0]['handle']>[0]): ReturnType<typeof command> => command(method, args);
      mailbox = new Mailbox({
        link,
        clock,
        log,
        lamport,
        serializers,
        accept,
        maxBytes,
        serializer: settings.taskSerializer,
        names: mailboxNames(settings),
        hostname,
        handle,
      });
      await mailbox.start();
    },
    async stop() {
      await mailbox?.stop();
      mailbox = undefined;
    },
  };
}
