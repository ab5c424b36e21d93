import type { CommandArgs } from '../../control/commands.ts';
import type { Value } from '../../protocol/json.ts';
import type { CommandState } from './state.ts';

/** Commands about the pool's size. */
export const poolCommands = {
  async poolGrow({ context }: CommandState, { n }: CommandArgs<'poolGrow'>): Promise<Value> {
    await resize(context, n ?? 1);
    return { ok: 'pool will grow' };
  },

  async poolShrink({ context }: CommandState, { n }: CommandArgs<'poolShrink'>): Promise<Value> {
    await resize(context, -(n ?? 1));
    return { ok: 'pool will shrink' };
  },
};

/** Never below one: a worker that can run nothing would be silent. */
async function resize(context: CommandState['context'], by: number): Promise<void> {
  await context.pool.resize(Math.max(1, context.pool.size + by));
  context.planWindow();
}
