import { Celery } from '../app/celery.ts';
import { findApp, importModule, type FoundApp } from '../app/autoload.ts';
import { moduleSettings } from '../config/sources.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { resolve } from 'node:path';

/** The options that stand before the command. */
export interface GlobalOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly resultBackend?: string;
  readonly config?: string;
  readonly workdir?: string;
  readonly color: boolean;
  readonly quiet?: boolean;
}

/** Where a command writes and what it may ask. */
export interface Terminal {
  /** `celeriac` or `celery`, as it was started. */
  readonly program: string;
  readonly cwd: string;
  readonly env: Record<string, string | undefined>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Asks, and gives the answer; undefined where nobody can be asked. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

/** What every command has: the terminal, the options before it, and the app that `-A` names. */
export class CliContext {
  readonly terminal: Terminal;
  readonly global: GlobalOptions;

  constructor(terminal: Terminal, global: GlobalOptions) {
    this.terminal = terminal;
    this.global = global;
  }

  get cwd(): string {
    return resolve(this.terminal.cwd, this.global.workdir ?? '.');
  }

  /** One line of what the command is for. Every line goes through here, so that `print` means one thing. */
  print(text: string): void {
    this.terminal.out(`${text}\n`);
  }

  /** The app of `-A`, and where it was found. */
  async namedApp(): Promise<FoundApp> {
    const { app: spec } = this.global;
    const { program } = this.terminal;
    if (spec === undefined) {
      throw new ImproperlyConfigured(`Which app? Name the module that exports it: ${program} -A tasks …, for ./tasks.ts or ./tasks.js (or set CELERY_APP)`);
    }
    this.#setEnvironment();
    const found = await findApp(spec, { cwd: this.cwd });
    await this.#addConfig(found.app);
    return found;
  }

  /** The same; without `-A` an app of no tasks, for commands that only need a broker. */
  async app(): Promise<Celery> {
    if (this.global.app !== undefined) return (await this.namedApp()).app;
    this.#setEnvironment();
    const app = new Celery('default');
    await this.#addConfig(app);
    return app;
  }

  /** As in Celery: these are stronger than what the program configures, and children inherit them. */
  #setEnvironment(): void {
    const { env } = this.terminal;
    if (this.global.broker !== undefined) env['CELERY_BROKER_URL'] = this.global.broker;
    if (this.global.resultBackend !== undefined) env['CELERY_RESULT_BACKEND'] = this.global.resultBackend;
    if (this.global.config !== undefined) env['CELERY_CONFIG_MODULE'] = this.global.config;
  }

  async #addConfig(app: Celery): Promise<void> {
    if (this.global.config === undefined) return;
    app.addDefaults(moduleSettings(await importModule(resolve(this.cwd, this.global.config))));
  }
}
