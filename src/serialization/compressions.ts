import { brotliCompressSync, brotliDecompressSync, deflateSync, unzipSync } from 'node:zlib';
import { loadBzip2 } from './bzip2.ts';
import type { CodecEntry } from './codec-table.ts';
import { bounded } from './decompression-errors.ts';
import { loadLzma } from './lzma.ts';
import type { Compression } from './registry.ts';
import { loadZstd } from './zstd.ts';

/** The compressions that kombu knows, under its names. */
export function builtinCompressions(): readonly CodecEntry<Compression>[] {
  return [
    { names: ['zlib', 'gzip'], contentType: 'application/x-gzip', load: () => zlib },
    { names: ['bzip2', 'bzip'], contentType: 'application/x-bz2', load: loadBzip2 },
    { names: ['brotli'], contentType: 'application/x-brotli', load: () => brotli },
    { names: ['lzma', 'xz'], contentType: 'application/x-lzma', load: loadLzma },
    { names: ['zstd', 'zstandard'], contentType: 'application/zstd', load: loadZstd },
  ];
}

/** Kombu's "gzip" is a zlib stream, and Python cannot read a real gzip one. We read both. */
const zlib: Compression = {
  name: 'zlib',
  aliases: ['gzip'],
  contentType: 'application/x-gzip',
  compress: (body) => deflateSync(body),
  decompress: (body, maxBytes) => bounded('zlib', maxBytes, () => unzipSync(body, { maxOutputLength: maxBytes })),
};

const brotli: Compression = {
  name: 'brotli',
  aliases: [],
  contentType: 'application/x-brotli',
  compress: (body) => brotliCompressSync(body),
  decompress: (body, maxBytes) => bounded('brotli', maxBytes, () => brotliDecompressSync(body, { maxOutputLength: maxBytes })),
};
