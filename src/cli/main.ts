#!/usr/bin/env node
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { commands } from './commands/index.ts';
import { runProgram } from './program.ts';
import { packageVersion } from '../app/report.ts';

// Whoever reads us may stop reading (`| head`): that is their right, and no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
});
// Where errors go is often a file, whose disk may be full: then they cannot be said, and no worker ends of that.
process.stderr.on('error', () => undefined);

// With nothing left to wait for Node ends a program that still waits, and says nothing itself.
process.once('exit', () => {
  if (process.exitCode === 13)
    process.stderr.write('Error: the command waits for something that never happens. Is there a top-level await in the modules of your app that cannot end?\n');
});

const code = await runProgram(
  commands,
  process.argv.slice(2),
  {
    program: basename(process.argv[1] ?? '') === 'celery' ? 'celery' : 'celeriac',
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    async ask(question) {
      if (!process.stdin.isTTY) return undefined;
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await lines.question(question);
      } finally {
        lines.close();
      }
    },
    async *lines(prompt) {
      const { isTTY: isPerson } = process.stdin;
      const lines = createInterface({ input: process.stdin, ...(isPerson && { output: process.stderr, prompt }) });
      if (isPerson) lines.prompt();
      for await (const line of lines) {
        yield line;
        if (isPerson) lines.prompt();
      }
    },
  },
  packageVersion(),
);

// What the app's modules left open (a database, a timer) must not keep a command that has done its work; what it printed must be out first.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((done) => void stream.write('', () => done()))));
process.exit(code);
