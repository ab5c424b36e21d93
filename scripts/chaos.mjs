// `npm run chaos`: the crash tests in full. Counts can be given in the environment, by the names below.
import { prove } from './proof.mjs';

await prove('test/chaos', {
  CHAOS_KILLS: '200',
  CHAOS_RESTARTS: '20',
  CHAOS_FREEZES: '20',
  CHAOS_WORKFLOWS: '500',
  CHAOS_AMQP_KILLS: '200',
  CHAOS_AMQP_RESTARTS: '20',
});
