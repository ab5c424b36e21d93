import { DecodeError, EncodeError } from '../errors.ts';
import { optionalPackage } from './codec-table.ts';
import { bounded, tooLarge } from './decompression-errors.ts';
import type { Compression } from './registry.ts';

/** The parts that are used of two packages without types. */
interface SeekBzip {
  decode(
    input: { readByte(): number; read(buffer: Uint8Array, offset: number, length: number): number },
    output: { writeByte(byte: number): void },
    multistream: boolean,
  ): void;
}
interface Bzip2Module {
  onRuntimeInitialized?: () => void;
  then?: unknown;
  compressBZ2(
    body: Uint8Array,
    blockSize: number,
    workFactor: number,
  ): { readonly error: number; readonly error_msg: string; readonly output: Uint8Array; delete?(): void };
}

/** Bzip2: read by seek-bzip, written by libbzip2-wasm. Each is asked for when it is needed, for most only read. */
export async function loadBzip2(): Promise<Compression> {
  const bzip = await optionalPackage('seek-bzip', 'the compression bzip2', () => importDefault<SeekBzip>('seek-bzip'));
  let encoder: Promise<Bzip2Module> | undefined;
  return {
    name: 'bzip2',
    aliases: ['bzip'],
    contentType: 'application/x-bz2',
    async compress(body) {
      const module = await (encoder ??= loadEncoder());
      const result = module.compressBZ2(body, 9, 0);
      if (result.error !== 0) throw new EncodeError(`the body cannot be compressed with bzip2: ${result.error_msg}`);
      const output = Uint8Array.from(result.output);
      result.delete?.();
      return output;
    },
    decompress: (body, maxBytes) => bounded('bzip2', maxBytes, () => decompress(bzip, body, maxBytes)),
  };
}

const importDefault = async <T>(name: string): Promise<T> => ((await import(name)) as { readonly default: T }).default;

function decompress(bzip: SeekBzip, body: Uint8Array, maxBytes: number): Uint8Array {
  let at = 0;
  const input = {
    readByte(): number {
      if (at >= body.length) throw new DecodeError('the body, compressed with bzip2, ends too early');
      return body[at++]!;
    },
    read(target: Uint8Array, offset: number, length: number): number {
      target.set(body.subarray(at, at + length), offset);
      at += length;
      return length;
    },
  };
  let buffer = Buffer.alloc(Math.min(maxBytes, Math.max(4096, body.length * 4)));
  let length = 0;
  // One stream after the other. Told of the end, the package would take a body cut off between two blocks for a whole one.
  do bzip.decode(input, { writeByte }, false);
  while (at < body.length);
  return buffer.subarray(0, length);

  function writeByte(byte: number): void {
    if (length === buffer.length) {
      if (length >= maxBytes) throw tooLarge('bzip2', maxBytes);
      buffer = Buffer.concat([buffer], Math.min(maxBytes, length * 2));
    }
    buffer[length++] = byte;
  }
}

/** The encoder is WebAssembly wrapped by an old emscripten, which has manners of its own. */
async function loadEncoder(): Promise<Bzip2Module> {
  const create = await optionalPackage('libbzip2-wasm', 'writing bzip2', () => importDefault<() => Bzip2Module>('libbzip2-wasm'));
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => process.rawListeners(event));
  const module = create();
  // It puts listeners on the whole process that would abort it at any unhandled rejection: they go at once.
  for (const [index, event] of events.entries()) {
    for (const listener of process.rawListeners(event)) if (!before[index]!.includes(listener)) process.off(event, listener as () => void);
  }
  await new Promise<void>((resolve) => (module.onRuntimeInitialized = resolve));
  // Its `then` never ends an await.
  delete module.then;
  return module;
}
