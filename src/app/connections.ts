import { cached } from '../backends/cached.ts';
import { retrying } from '../backends/retrying.ts';
import type { BrokerRoad, ResultBackend } from '../backends/backend.ts';
import { answersCallers, loadBackend } from '../backends/registry.ts';
import type { Settings } from '../config/settings/index.ts';
import { parseUrl, parseUrls, schemeOf } from '../kernel/broker-url.ts';
import { durationMs } from '../kernel/duration.ts';
import { newId } from '../kernel/ids.ts';
import type { Logger } from '../kernel/logger.ts';
import { openLink } from '../messaging/connection.ts';
import type { BrokerLink } from '../messaging/link.ts';
import type { JsonObject } from '../protocol/json.ts';
import { createMetaCodec } from '../serialization/meta-codec.ts';
import { loadTransport } from '../transports/registry.ts';
import type { Core } from './app-core.ts';

/** A road to the broker, as the settings say. Producers use `brokerWriteUrl`, all others `brokerReadUrl`. */
export async function openLinkOf(core: Core, role: string, maxRetries: number | null): Promise<BrokerLink> {
  const { settings } = core;
  const { brokerLoginMethod, oldestPeer } = settings;
  const source = role === 'publish' ? settings.brokerWriteUrl : settings.brokerReadUrl;
  const urls = parseUrls(source ?? settings.brokerUrl ?? '');
  const scheme = schemeOf(urls[0]!);
  const transport = await (core.transports.get(scheme) ?? (() => loadTransport(scheme)))();
  return openLink({
    transport,
    urls,
    order: orderOf(settings.brokerFailoverStrategy),
    maxRetries,
    owner: core.owner,
    timeoutMs: durationMs(settings.brokerConnectionTimeout) ?? 4000,
    heartbeatMs: durationMs(settings.brokerHeartbeat) ?? 0,
    transportOptions: {
      ...(brokerLoginMethod === null ? {} : { login_method: brokerLoginMethod }),
      ...(oldestPeer === '5.7' ? { sweep_bindings: true } : {}),
      ...(settings.brokerTransportOptions as JsonObject),
    },
    tls: settings.brokerUseSsl === false ? undefined : (settings.brokerUseSsl as boolean),
    clock: core.clock,
    log: core.forwardedLog,
    role,
    hostname: core.hostname ?? undefined,
    maxMessageBytes: settings.brokerMaxMessageBytes,
  });
}

/** A result store by its URL, as the settings say. */
export async function openBackendOf(core: Core, text: string): Promise<ResultBackend> {
  const { settings } = core;
  const url = parseUrl(text);
  const scheme = schemeOf(url);
  const driver = await (core.backends.get(scheme) ?? (() => loadBackend(scheme)))();
  const expiresMs = expiryMs(settings.resultExpires);
  const answers = answersCallers(text);
  const otherwise = (own: Settings['resultFailureExpires']): number | null => (own === null ? expiresMs : expiryMs(own));
  const backend = await driver.open({
    url,
    clock: core.clock,
    log: core.forwardedLog,
    codec: await createMetaCodec(core.serializers, {
      serializer: settings.resultSerializer,
      // Celery before 5.7 cannot read compressed results, and none that are sent as messages.
      compression: settings.oldestPeer === '5.7' && !answers ? (settings.resultCompression ?? undefined) : undefined,
      accept: settings.resultAcceptContent ?? settings.acceptContent,
      maxBytes: settings.brokerMaxMessageBytes,
    }),
    expiresMs,
    failureExpiresMs: otherwise(settings.resultFailureExpires),
    chordExpiresMs: otherwise(settings.resultChordExpires),
    chordJoinTimeoutMs: durationMs(settings.resultChordJoinTimeout) ?? 3000,
    transportOptions: settings.resultBackendTransportOptions as JsonObject,
    broker: answers ? brokerRoad(core) : undefined,
    settings,
  });
  return withSettings(backend, core);
}

/** Tries again and remembers, as far as the settings say so. */
function withSettings(backend: ResultBackend, { settings, clock, forwardedLog }: Core): ResultBackend {
  const policy = {
    maxRetries: settings.resultBackendMaxRetries,
    baseSleepMs: settings.resultBackendBaseSleepBetweenRetriesMs,
    maxSleepMs: settings.resultBackendMaxSleepBetweenRetriesMs,
  };
  const steady = settings.resultBackendAlwaysRetry ? retrying(backend, policy, { clock, log: forwardedLog }) : backend;
  const max = settings.resultCacheMax;
  return max === -1 ? steady : cached(steady, max === null || max === 0 ? Number.POSITIVE_INFINITY : max);
}

/** The broker for results that are sent; who needs it decides how often to try. */
function brokerRoad(core: Core): BrokerRoad {
  let link: Promise<BrokerLink> | undefined;
  return {
    replyTo: newId(),
    async openChannel(signal) {
      link ??= core.openLink('results', { maxRetries: 0 });
      return (await (await link).connection(signal)).openChannel();
    },
    async [Symbol.asyncDispose]() {
      await (await link)?.close();
    },
  };
}

/** 0 and null: never. */
function expiryMs(duration: Settings['resultExpires']): number | null {
  const ms = duration === null ? 0 : (durationMs(duration) ?? 0);
  return ms === 0 ? null : ms;
}

function orderOf(strategy: Settings['brokerFailoverStrategy']): ((urls: readonly URL[]) => readonly URL[]) | undefined {
  if (strategy === 'shuffle') {
    return (urls) =>
      urls
        .map((url) => [Math.random(), url] as const)
        .sort(([a], [b]) => a - b)
        .map(([, url]) => url);
  }
  if (typeof strategy !== 'function') return undefined;
  // A strategy may go round for ever: one round has as many as there are URLs.
  return (urls) => Array.from({ length: urls.length }, nextOf(strategy(urls.map(String))[Symbol.iterator](), urls));
}

const nextOf =
  (iterator: Iterator<string>, urls: readonly URL[]) =>
  (_: unknown, index: number): URL => {
    const next = iterator.next();
    return next.done === true ? urls[index]! : parseUrl(next.value);
  };

/** A logger that is whatever the app's logger is at the moment: the worker replaces that. */
export function forwarding(log: () => Logger): Logger {
  return {
    debug: (message, data) => log().debug(message, data),
    info: (message, data) => log().info(message, data),
    warn: (message, data) => log().warn(message, data),
    error: (message, data) => log().error(message, data),
    critical: (message, data) => log().critical(message, data),
  };
}
