import { PreconditionFailed } from '../../errors.ts';
import { exponentialBackoffMs } from '../../kernel/backoff.ts';
import { Mailbox } from '../../messaging/mailbox.ts';
import type { Service } from '../../kernel/service.ts';
import { mailboxNames } from '../../app/mailbox-names.ts';
import type { WorkerParts } from './parts.ts';
import { roadForWords } from './words.ts';

/** Hears remote commands; not where the transport has no way to say something to all. */
export function control({ context, command }: WorkerParts): Service {
  let mailbox: Mailbox | undefined;
  let hasStarted = false;
  let waiting: Disposable | undefined;
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
        replyLink: await roadForWords(context),
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
      try {
        await mailbox.start();
        hasStarted = true;
      } catch (error) {
        if (!hasStarted || !(error instanceof PreconditionFailed)) throw error;
        // Our own connection that broke may hold the inbox until the broker notices: tasks must not wait for that.
        log.warn(`remote control waits until the name ${hostname} is free again: ${error.message}`);
        startLater(mailbox, 0);
      }
    },
    async stop() {
      waiting?.[Symbol.dispose]();
      waiting = undefined;
      await mailbox?.stop();
      mailbox = undefined;
    },
  };

  function startLater(started: Mailbox, failures: number): void {
    const { clock, log } = context;
    waiting = clock.schedule(exponentialBackoffMs(failures, { factorMs: 500, maxMs: 10_000 }), () => {
      started.start().then(
        () => log.info('remote control works again'),
        (error: unknown) => {
          if (mailbox !== started) return;
          log.debug('the inbox for remote commands is not free yet', { error });
          startLater(started, failures + 1);
        },
      );
    });
  }
}
