import { commandOf, commands, readArgs } from '../../control/commands.ts';
import type { CommandArgs, CommandName } from '../../control/commands.ts';
import { customCommand } from '../../control/custom.ts';
import { UnknownCommand } from '../../messaging/mailbox.ts';
import type { Value } from '../../protocol/json.ts';
import { eventCommands } from './events.ts';
import { poolCommands } from './pool.ts';
import { queueCommands } from './queues.ts';
import { stateCommands } from './state.ts';
import type { CommandState } from './state.ts';
import { taskCommands } from './tasks.ts';

/** Undefined: no answer is sent. */
type Handler<N extends CommandName> = (state: CommandState, args: CommandArgs<N>) => Value | undefined | Promise<Value | undefined>;

/** One for each row of the table: a forgotten one does not compile. */
const handlers = { ...stateCommands, ...taskCommands, ...queueCommands, ...poolCommands, ...eventCommands } satisfies { [N in CommandName]: Handler<N> };

type AnyHandler = (state: CommandState, args: Readonly<Record<string, Value>>) => Value | undefined | Promise<Value | undefined>;

/** Carries out remote commands by their names on the wire: those of the table, and those that `defineCommand` has added to the app. */
export function createCommands(
  state: CommandState,
): (method: string, args: { readonly [name: string]: Value | undefined }) => Value | undefined | Promise<Value | undefined> {
  return (method, args) => {
    const name = commandOf(method);
    if (name !== undefined) return (handlers[name] as AnyHandler)(state, readArgs(commands[name], args));
    const custom = customCommand(state.context.core, method);
    if (custom === undefined) throw new UnknownCommand(method);
    return custom.handle(state.worker, readArgs(custom.spec, args)) as Value | Promise<Value>;
  };
}
