import { optionalPackage } from './codec-table.ts';
import { tooLarge, unreadable } from './decompression-errors.ts';
import type { Compression } from './registry.ts';

/** The part of lzma-native that is used; the package has no types. */
interface LzmaNative {
  compress(body: Buffer, options: object, done: (result: Buffer) => void): void;
  createDecompressor(options: { readonly memlimit: number }): NodeJS.ReadWriteStream & { destroy(): void };
}

/** Enough for the largest dictionary of `xz -9` (64 MiB) with what belongs to it. */
const MEMORY_LIMIT = 128 * 1024 * 1024;

/** `.xz` containers, by lzma-native. */
export async function loadLzma(): Promise<Compression> {
  const name: string = 'lzma-native';
  const lzma = await optionalPackage(name, 'the compression lzma', async () => ((await import(name)) as { readonly default: LzmaNative }).default);
  return {
    name: 'lzma',
    aliases: ['xz'],
    contentType: 'application/x-lzma',
    compress: (body) => new Promise((resolve) => lzma.compress(Buffer.from(body), {}, resolve)),
    decompress: (body, maxBytes) =>
      new Promise((resolve, reject) => {
        const stream = lzma.createDecompressor({ memlimit: MEMORY_LIMIT });
        const chunks: Buffer[] = [];
        let bytes = 0;
        stream.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes <= maxBytes) return;
          reject(tooLarge('lzma', maxBytes));
          stream.destroy();
        });
        stream.on('error', (error) => reject(unreadable('lzma', maxBytes, error)));
        stream.on('end', () => resolve(Buffer.concat(chunks)));
        stream.end(body);
      }),
  };
}
