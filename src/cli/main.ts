#!/usr/bin/env node
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { AnyCliCommand } from './command.ts';
import { call } from './commands/call.ts';
import { control } from './commands/control.ts';
import { inspect } from './commands/inspect.ts';
import { purge } from './commands/purge.ts';
import { report } from './commands/report.ts';
import { result } from './commands/result.ts';
import { status } from './commands/status.ts';
import { worker } from './commands/worker.ts';
import { runProgram } from './program.ts';
import { packageVersion } from '../app/report.ts';

const commands: readonly AnyCliCommand[] = [worker, call, result, status, inspect, control, purge, report];

process.exitCode = await runProgram(
  commands,
  process.argv.slice(2),
  {
    program: basename(process.argv[1] ?? '') === 'celery' ? 'celery' : 'celeriac',
    cwd: process.cwd(),
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    async ask(question) {
      if (!process.stdin.isTTY) return undefined;
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await lines.question(question);
      } finally {
        lines.close();
      }
    },
  },
  packageVersion(),
);
