/** Commands of Celery's, and of our own plans, that do not exist yet, each with what can be done meanwhile. */
export const notBuiltCommands: Readonly<Record<string, string>> = {
  beat: 'Until then a program of yours, or cron, can send periodic tasks: celeriac -A tasks call NAME.',
  dashboard: '',
  dev: 'Start a worker: celeriac -A tasks worker -l info.',
  events: 'Monitors written for Celery can read the events of our workers (worker -E).',
  flower: 'Python’s Flower can watch our workers meanwhile (worker -E).',
  logtool: '',
  migrate: '',
  multi: 'Start several workers with different names (-n), by systemd or a process manager.',
  shell: 'In Node’s own: node --import tsx, then await import("./tasks.ts").',
  upgrade: 'Both the new and the old names of settings are read.',
};

/** The same for options of `worker`. */
export const notBuiltWorkerOptions: readonly { readonly flags: string; readonly attribute: string; readonly instead: string }[] = [
  { flags: '-B, --beat', attribute: 'beat', instead: 'Periodic tasks do not exist yet; start the worker without it.' },
  { flags: '-s, --schedule-filename, --schedule <file>', attribute: 'schedule', instead: 'It belongs to --beat, which does not exist yet.' },
  { flags: '--scheduler <name>', attribute: 'scheduler', instead: 'It belongs to --beat, which does not exist yet.' },
  { flags: '--autoscale <max,min>', attribute: 'autoscale', instead: 'Give the pool a fixed size with -c.' },
  { flags: '-D, --detach', attribute: 'detach', instead: 'Start it by systemd or a process manager, or with nohup.' },
  { flags: '-S, --statedb <file>', attribute: 'statedb', instead: 'Revoked ids live as long as the workers do.' },
  { flags: '--uid <user>', attribute: 'uid', instead: 'Start it as that user.' },
  { flags: '--gid <group>', attribute: 'gid', instead: 'Start it as that group.' },
  { flags: '--executable <path>', attribute: 'executable', instead: 'Start it with that Node.' },
];
