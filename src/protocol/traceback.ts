import { fileURLToPath } from 'node:url';

/** How many causes are told: a circle of them must come to an end. */
const MAX_CAUSES = 10;

/**
 * An error's stack as Python would print a traceback: frames with the most recent call last, then name and message; what caused it comes first.
 * Peers show it, and keep it as text.
 */
export function pythonTraceback(error: unknown, nameOf: (error: unknown) => string): string {
  const chain: unknown[] = [];
  for (let cause: unknown = error; cause !== undefined && chain.length <= MAX_CAUSES; cause = cause instanceof Error ? cause.cause : undefined)
    chain.unshift(cause);
  return chain.map((link) => one(link, nameOf)).join('\nThe above exception was the direct cause of the following exception:\n\n');
}

function one(error: unknown, nameOf: (error: unknown) => string): string {
  const own = error instanceof Error && 'traceback' in error && typeof error.traceback === 'string' ? error.traceback : undefined;
  // A failure from elsewhere brings its own along.
  if (own !== undefined && own !== '') return own.endsWith('\n') ? own : `${own}\n`;
  const message = error instanceof Error ? error.message : String(error);
  const frames = error instanceof Error ? framesOf(error.stack ?? '') : [];
  const name = nameOf(error);
  return `${frames.length === 0 ? '' : 'Traceback (most recent call last):\n'}${frames.map((frame) => `${frame}\n`).join('')}${message === '' ? name : `${name}: ${message}`}\n`;
}

/** Takes the frames of this package and of Node out of the stack of an error that was made for somebody: what stays is where they asked. */
export function hideOwnFrames(error: Error): void {
  const lines = (error.stack ?? '').split('\n');
  const isNoise = (line: string): boolean =>
    line.includes('node:internal/') || (OUR_FOLDERS.some((folder) => line.includes(folder)) && !line.includes('.test.ts'));
  const kept = lines.filter((line) => !/^\s+at /.test(line) || !isNoise(line));
  if (kept.length < lines.length) Object.defineProperty(error, 'stack', { value: kept.join('\n'), configurable: true, writable: true });
}

interface Frame {
  readonly text: string;
  readonly isOurs: boolean;
}

/** `    at run (file:///srv/app/tasks.ts:12:9)` becomes `  File "file:///srv/app/tasks.ts", line 12, in run`. Frames of Node and of this package say nothing about the task: ours stay only where there are no others. */
function framesOf(stack: string): readonly string[] {
  const frames: Frame[] = [];
  for (const line of stack.split('\n')) {
    const match = /^\s+at (?:(.+?) \()?(?:async )?((?:file:\/\/|node:|[A-Za-z]:[\\/]|\/|\w).*?):(\d+):\d+\)?$/.exec(line);
    if (match === null || match[2]!.startsWith('node:')) continue;
    frames.unshift({ text: `  File "${match[2]}", line ${match[3]}, in ${match[1] ?? '<anonymous>'}`, isOurs: isOurs(match[2]!) });
  }
  const others = frames.filter((frame) => !frame.isOurs);
  return (others.length === 0 ? frames : others).map((frame) => frame.text);
}

/** Where our modules are, as URLs and as paths: as TypeScript in `src`, or built in `dist`. Empty in a bundle, where nobody can tell whose code is whose. */
const OUR_FOLDERS: readonly string[] = /\/(?:src|dist)\/protocol\/traceback\.[jt]s$/.test(import.meta.url)
  ? ['src/', 'dist/'].map((folder) => new URL(`../../${folder}`, import.meta.url)).flatMap((url) => [url.href, fileURLToPath(url)])
  : [];

/** Tests beside our modules are users of them. */
const isOurs = (file: string): boolean => OUR_FOLDERS.some((folder) => file.startsWith(folder)) && !file.endsWith('.test.ts');
