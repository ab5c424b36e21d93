import type { BackendDriver, ResultBackend } from '../../src/backends/backend.ts';
import { resolveSettings } from '../../src/config/resolve.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { JsonObject } from '../../src/protocol/json.ts';
import type { MetaCodec } from '../../src/serialization/meta-codec.ts';
import { jsonCodec, type BackendHarness } from '../../src/testing/conformance/backend.ts';

/** A driver's store as a harness opens it: metas as JSON, and nothing expires unless that is said. */
export function openBackend(
  driver: BackendDriver,
  where: { readonly url: URL; readonly clock: Clock; readonly transportOptions?: JsonObject; readonly codec?: MetaCodec },
  options: Parameters<BackendHarness['open']>[0] = {},
): Promise<ResultBackend> {
  const { url, clock, transportOptions = {}, codec = jsonCodec } = where;
  return driver.open({
    url,
    clock,
    log: silentLogger,
    codec,
    expiresMs: options.expiresMs ?? null,
    failureExpiresMs: options.failureExpiresMs ?? null,
    chordExpiresMs: options.chordExpiresMs ?? null,
    chordJoinTimeoutMs: options.chordJoinTimeoutMs ?? 3000,
    transportOptions,
    settings: resolveSettings([{ brokerUrl: url.href }]),
  });
}
