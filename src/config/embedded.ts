import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The SQLite file that holds messages and results when no broker is configured: beside the nearest package.json above the working directory, so that producer and worker of one project meet; else in that directory. */
export function embeddedFile(cwd: string = process.cwd()): string {
  return join(projectRoot(resolve(cwd)), '.celeriac', 'celeriac.db');
}

/** The same as a URL. */
export function embeddedUrl(cwd: string = process.cwd()): string {
  const path = embeddedFile(cwd).replaceAll('\\', '/');
  return `sqlite:///${path.split('/').map(encodeURIComponent).join('/')}`;
}

function projectRoot(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return cwd;
  }
}
