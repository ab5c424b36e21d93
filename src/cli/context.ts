import { Celery } from '../app/celery.ts';
import { findApp, type FoundApp } from '../app/autoload.ts';
import { ImproperlyConfigured } from '../errors.ts';

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
  readonly env: Record<string, string | undefined>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `err` is read by a person at a terminal. */
  readonly isTerminal?: boolean;
  /** Asks, and gives the answer; undefined where nobody can be asked. */
  readonly ask: (question: string) => Promise<string | undefined>;
  /** The lines that are typed, or come through a pipe, until they end; a person sees `prompt` before each. Absent where nothing can be read. */
  readonly lines?: (prompt: string) => AsyncIterable<string>;
}

/** What every command has: the terminal, the options before it, and the app that `-A` names. */
export class CliContext {
  readonly terminal: Terminal;
  readonly global: GlobalOptions;

  constructor(terminal: Terminal, global: GlobalOptions) {
    this.terminal = terminal;
    this.global = global;
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
    this.#prepare();
    const found = await findApp(spec);
    await found.app.ready();
    return found;
  }

  /** The same; without `-A` an app of no tasks, for commands that only need a broker. */
  async app(): Promise<Celery> {
    if (this.global.app !== undefined) return (await this.namedApp()).app;
    this.#prepare();
    const app = new Celery('default');
    await app.ready();
    return app;
  }

  /** As in Celery: before the app is loaded, stronger than what it configures, and inherited by children. */
  #prepare(): void {
    const { env } = this.terminal;
    const { broker, resultBackend, config, workdir } = this.global;
    if (workdir !== undefined) enter(workdir);
    if (broker !== undefined) env['CELERY_BROKER_URL'] = broker;
    if (resultBackend !== undefined) env['CELERY_RESULT_BACKEND'] = resultBackend;
    if (config !== undefined) env['CELERY_CONFIG_MODULE'] = config;
  }
}

function enter(folder: string): void {
  try {
    process.chdir(folder);
  } catch (error) {
    throw new ImproperlyConfigured(`--workdir ${folder}: ${(error as Error).message}`, { cause: error });
  }
}
