import { maskUrl } from '../kernel/broker-url.ts';
import type { ResultSource } from '../results/source.ts';
import type { Core } from './app-core.ts';
import { revoke } from './revoke.ts';

/** What handles on results need of an app. */
export function resultSource(core: Core): ResultSource {
  return {
    get clock() {
      return core.clock;
    },
    backend: () => core.backend(),
    errorOf: (meta) => {
      const {
        exc_type = 'Exception',
        exc_message = [],
        exc_module = null,
      } = (meta.result.value() ?? {}) as { exc_type?: string; exc_message?: never; exc_module?: string | null };
      return core.errorNames.fromData({ exc_type, exc_message, exc_module }, meta.traceback);
    },
    get joinBlocks() {
      return core.joinBlocks;
    },
    unpack: (value) => core.types.unpack(value),
    revoke: (ids, options) => revoke(core, { method: 'revoke', of: { task_id: ids } }, options),
    revokeByStamps: (headers, options) => revoke(core, { method: 'revoke_by_stamped_headers', of: { headers } }, options),
    describe: () => {
      const { resultBackend } = core.settings;
      return resultBackend === null ? 'no result backend is configured' : `results are in ${maskUrl(resultBackend)}`;
    },
    hold: () => core.keepAlive.hold(),
  };
}
