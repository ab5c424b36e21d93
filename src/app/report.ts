import { readFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import { settingsReport } from '../config/report.ts';
import type { Settings } from '../config/settings/index.ts';
import { maskUrl, parseUrls, schemeOf } from '../kernel/broker-url.ts';

/** The version of Celery whose behaviour and formats are followed here. Python's tools look for it. */
export const CELERY_VERSION = '5.7.0';

/** Versions, platform and changed settings, secrets masked: what `report` and `inspect report` answer. The first line is what Python's tools read. */
export function bugReport(settings: Readonly<Settings>): string {
  const results = settings.resultBackend === null ? 'disabled' : maskUrl(settings.resultBackend);
  return [
    '',
    `software -> celery:${CELERY_VERSION} celeriac:${packageVersion()} node:${process.versions.node}`,
    `platform -> system:${platform()} arch:${arch()} kernel version:${release()}`,
    `settings -> transport:${transportOf(settings)} results:${results}`,
    '',
    settingsReport(settings),
    '',
  ].join('\n');
}

/** The version of this package. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }).version;
}

function transportOf(settings: Readonly<Settings>): string {
  return schemeOf(parseUrls(settings.brokerUrl!)[0]!);
}
