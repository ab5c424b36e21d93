import * as nodeZlib from 'node:zlib';
import { optionalPackage } from './codec-table.ts';
import { bounded, tooLarge, unreadable } from './decompression-errors.ts';
import type { Compression } from './registry.ts';
import { zstdBound } from './zstd-bound.ts';
import { withContentSize } from './zstd-size.ts';

/** In node:zlib from 22.15 on. */
interface NodeZstd {
  readonly zstdCompressSync?: (body: Uint8Array) => Uint8Array;
  readonly zstdDecompressSync?: (body: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;
}

/** Zstandard: Node's own where it has it, else @mongodb-js/zstd. */
export function loadZstd(): Compression | Promise<Compression> {
  const names = { name: 'zstd', aliases: ['zstandard'], contentType: 'application/zstd' };
  const { zstdCompressSync, zstdDecompressSync } = nodeZlib as NodeZstd;
  if (zstdCompressSync !== undefined && zstdDecompressSync !== undefined) {
    return {
      ...names,
      compress: (body) => withContentSize(zstdCompressSync(body), body.length),
      decompress: (body, maxBytes) => bounded('zstd', maxBytes, () => zstdDecompressSync(body, { maxOutputLength: maxBytes })),
    };
  }
  return optionalPackage('@mongodb-js/zstd', 'the compression zstd', () => import('@mongodb-js/zstd')).then(({ compress, decompress }) => ({
    ...names,
    compress: async (body) => withContentSize(await compress(asBuffer(body)), body.length),
    async decompress(body, maxBytes) {
      // The package has no bound of its own, so the frames are measured first.
      bounded('zstd', maxBytes, () => zstdBound(body, maxBytes));
      const plain = await decompress(asBuffer(body)).catch((error: unknown) => {
        throw unreadable('zstd', maxBytes, error);
      });
      if (plain.length > maxBytes) throw tooLarge('zstd', maxBytes);
      return plain;
    },
  }));
}

const asBuffer = (body: Uint8Array): Buffer => Buffer.from(body.buffer, body.byteOffset, body.byteLength);
