import type { BackendDriver } from '../backends/backend.ts';
import type { Value } from '../protocol/json.ts';
import type { Transport } from '../transports/transport.ts';
import type { Core } from './app-core.ts';
import type { Extension } from './app-options.ts';

/** Adds what an extension brings. */
export function extend(core: Core, extension: Extension): void {
  switch (extension.kind) {
    case 'serializer': {
      const { name, contentType, contentEncoding } = extension;
      const bytes = (body: Uint8Array | string): Uint8Array => (typeof body === 'string' ? new TextEncoder().encode(body) : body);
      core.serializers.register({
        name,
        contentType,
        contentEncoding,
        encode: (value) => extension.encode(value),
        decode: (body) => extension.decode(bytes(body)) as Value,
      });
      return;
    }
    case 'compression': {
      const { name } = extension;
      core.serializers.registerCompression({
        name,
        aliases: [],
        contentType: `application/x-${name}`,
        compress: (body) => extension.compress(body),
        decompress: (body) => extension.decompress(body),
      });
      return;
    }
    case 'transport':
      for (const scheme of extension.schemes) core.transports.set(scheme, () => extension.load().then(member<Transport>('transport')));
      return;
    case 'backend':
      for (const scheme of extension.schemes) core.backends.set(scheme, () => extension.load().then(member<BackendDriver>('driver')));
      return;
    case 'type':
      core.types.add(extension);
      return;
  }
}

/** A module that exports it under that name, or as its default, or the thing itself. */
const member =
  <T>(name: string) =>
  (loaded: unknown): T => {
    const module = loaded as Readonly<Record<string, unknown>>;
    return (module[name] ?? module['default'] ?? module) as T;
  };
