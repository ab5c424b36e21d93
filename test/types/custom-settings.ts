// Settings of one's own, declared by merging; as a user of the package would write it, with the package's name.
import { Celery } from '../../src/index.ts';

declare module '../../src/index.ts' {
  interface CustomSettings {
    mailSender: string;
  }
}

const app = new Celery('custom', { mailSender: 'shop@example.org' });
export const sender: string = app.conf.mailSender;
// @ts-expect-error the type says string
app.configure({ mailSender: 5 });
