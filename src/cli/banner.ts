import { arch, platform, release } from 'node:os';

export interface BannerQueue {
  readonly name: string;
  readonly exchange: string;
  readonly exchangeType: string;
  readonly routingKey: string;
}

export interface BannerFacts {
  readonly hostname: string;
  readonly version: string;
  readonly at: Date;
  readonly app: string;
  readonly transport: string;
  readonly results: string;
  readonly pool: string;
  readonly concurrency: number;
  readonly taskEvents: boolean;
  readonly queues: readonly BannerQueue[];
  /** Undefined leaves the list out, as Celery does above INFO. */
  readonly tasks: readonly string[] | undefined;
}

/** What a worker shows when it starts: the same fields under the same headings as Celery's. URLs must be masked already. */
export function banner(facts: BannerFacts): string {
  const width = Math.max(...facts.queues.map((queue) => queue.name.length), 16);
  const lines = [
    '',
    ` ---- ${facts.hostname} · celeriac ${facts.version}`,
    ` ---- Node ${process.versions.node} · ${platform()} ${release()} ${arch()} · ${stamp(facts.at)}`,
    '',
    ' [config]',
    ` .> app:         ${facts.app}`,
    ` .> transport:   ${facts.transport}`,
    ` .> results:     ${facts.results}`,
    ` .> concurrency: ${facts.concurrency} (${facts.pool})`,
    ` .> task events: ${facts.taskEvents ? 'ON' : 'OFF (-E lets monitors see tasks)'}`,
    '',
    ' [queues]',
    ...facts.queues.map((queue) => ` .> ${queue.name.padEnd(width)} exchange=${queue.exchange}(${queue.exchangeType}) key=${queue.routingKey}`),
    '',
  ];
  if (facts.tasks !== undefined) lines.push(' [tasks]', ...facts.tasks.map((name) => `  . ${name}`), '');
  return lines.join('\n');
}

function stamp(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
