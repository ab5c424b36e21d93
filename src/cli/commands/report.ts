import { bugReport } from '../../app/report.ts';
import { coreOf } from '../../app/core.ts';
import { defineCommand } from '../command.ts';

export const report = defineCommand<object>({
  name: 'report',
  help: 'Print versions and changed settings, for bug reports. Secrets are masked.',
  examples: ['-A tasks report'],
  define: () => undefined,
  async run({ context }) {
    const app = await context.app();
    context.print(bugReport(coreOf(app).settings));
    await app.close();
  },
});
