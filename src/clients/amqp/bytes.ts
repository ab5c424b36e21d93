import { isUtf8 } from 'node:buffer';
import { AmqpSyntaxError } from './errors.ts';
import { recurringText } from './recurring-text.ts';

const FIRST_BYTES = 4096;

/** A buffer that grows while it is written to. `take()` hands out what was written and starts afresh. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #offset = 0;

  get length(): number {
    return this.#offset;
  }

  take(): Buffer {
    const written = this.#buffer.subarray(0, this.#offset);
    this.#buffer = Buffer.allocUnsafe(Math.max(FIRST_BYTES, Math.min(this.#offset, 65_536)));
    this.#offset = 0;
    return written;
  }

  /** Room for a length that is known later; gives its place. */
  reserve(bytes: number): number {
    const at = this.#claim(bytes);
    return at;
  }

  /** Writes into a place of four bytes how much has come after it. */
  fillLength(at: number): void {
    this.#buffer.writeUInt32BE(this.#offset - at - 4, at);
  }

  /** Forgets what was written from `length` on: of a frame that could not be finished. */
  truncate(length: number): void {
    this.#offset = length;
  }

  u8(value: number): void {
    const at = this.#claim(1);
    this.#buffer[at] = value;
  }

  u16(value: number): void {
    const at = this.#claim(2);
    this.#buffer.writeUInt16BE(value, at);
  }

  u32(value: number): void {
    const at = this.#claim(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  i32(value: number): void {
    const at = this.#claim(4);
    this.#buffer.writeInt32BE(value, at);
  }

  u64(value: bigint): void {
    const at = this.#claim(8);
    this.#buffer.writeBigUInt64BE(value, at);
  }

  /** A length or tag below 2^53. */
  u64Number(value: number): void {
    const at = this.#claim(8);
    this.#buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at);
    this.#buffer.writeUInt32BE(value >>> 0, at + 4);
  }

  i64(value: bigint): void {
    const at = this.#claim(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  f64(value: number): void {
    const at = this.#claim(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  letter(letter: string): void {
    this.u8(letter.charCodeAt(0));
  }

  /** At most 255 bytes of UTF-8. */
  shortString(text: string): void {
    const at = this.#claim(1 + text.length * 3);
    const written = this.#buffer.write(text, at + 1, 'utf8');
    if (written > 255) {
      this.#offset = at;
      throw new AmqpSyntaxError(`${JSON.stringify(text.slice(0, 40))}… is longer than the 255 bytes that AMQP allows for a name`);
    }
    this.#buffer[at] = written;
    this.#offset = at + 1 + written;
  }

  longString(text: string): void {
    const at = this.#claim(4 + text.length * 3);
    const written = this.#buffer.write(text, at + 4, 'utf8');
    this.#buffer.writeUInt32BE(written, at);
    this.#offset = at + 4 + written;
  }

  longBytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#claim(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** UTF-8, with no length before it. */
  text(text: string): void {
    const at = this.#claim(text.length * 3);
    this.#offset = at + this.#buffer.write(text, at, 'utf8');
  }

  #claim(bytes: number): number {
    const at = this.#offset;
    const end = at + bytes;
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#offset = end;
    return at;
  }
}

/** Reads one frame's payload after the other. Running over its end is an AmqpSyntaxError, never a read of what does not belong to it. */
export class ByteReader {
  #buffer: Buffer;
  #end: number;
  offset: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.offset = start;
    this.#end = end;
  }

  /** Goes on with another payload. */
  to(buffer: Buffer, start: number, end: number): this {
    this.#buffer = buffer;
    this.offset = start;
    this.#end = end;
    return this;
  }

  get left(): number {
    return this.#end - this.offset;
  }

  /** Makes sure that the payload reaches to `end`. */
  require(end: number): void {
    if (end > this.#end) throw new AmqpSyntaxError(`a frame ends ${end - this.#end} bytes too early`);
  }

  /** A byte further on, without going there; 0 beyond the end. */
  peek(distance: number): number {
    const at = this.offset + distance;
    return at < this.#end ? this.#buffer[at]! : 0;
  }

  /** Goes past what is the same as `bytes` from `start` to `end`. False when it is not, or ends before; then it stays where it is. */
  skipSame(bytes: Uint8Array, start: number, end: number): boolean {
    const at = this.offset - start;
    if (at + end > this.#end) return false;
    for (let i = start; i < end; i++) if (bytes[i] !== this.#buffer[at + i]) return false;
    this.offset = at + end;
    return true;
  }

  /** What was read before, or will be: a view of the socket's buffer. */
  slice(start: number, end: number): Uint8Array {
    return this.#buffer.subarray(start, end);
  }

  u8(): number {
    const at = this.#step(1);
    return this.#buffer[at]!;
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#step(2));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#step(4));
  }

  i32(): number {
    return this.#buffer.readInt32BE(this.#step(4));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#step(8));
  }

  i64(): bigint {
    return this.#buffer.readBigInt64BE(this.#step(8));
  }

  /** A delivery tag or size, which stays below 2^53. */
  u64Number(): number {
    const at = this.#step(8);
    return this.#buffer.readUInt32BE(at) * 2 ** 32 + this.#buffer.readUInt32BE(at + 4);
  }

  f32(): number {
    return this.#buffer.readFloatBE(this.#step(4));
  }

  f64(): number {
    return this.#buffer.readDoubleBE(this.#step(8));
  }

  shortString(): string {
    const length = this.u8();
    const at = this.#step(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** The same for what is most often one of few: names, types, addresses. */
  recurringString(): string {
    const length = this.u8();
    const at = this.#step(length);
    return recurringText(this.#buffer, at, at + length);
  }

  longString(): string {
    const length = this.u32();
    const at = this.#step(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** A long string as text, or as the bytes that it is where they are not UTF-8. */
  longText(): string | Uint8Array {
    const length = this.u32();
    const at = this.#step(length);
    return textIn(this.#buffer, at, at + length) ?? new Uint8Array(this.#buffer.subarray(at, at + length));
  }

  /** A copy: the socket's buffer goes on to other uses. */
  longBytes(): Uint8Array {
    const length = this.u32();
    const at = this.#step(length);
    return new Uint8Array(this.#buffer.subarray(at, at + length));
  }

  #step(bytes: number): number {
    const at = this.offset;
    this.require(at + bytes);
    this.offset = at + bytes;
    return at;
  }
}

/** UTF-8 as text; undefined where the bytes are none. */
export function textIn(buffer: Buffer, start: number, end: number): string | undefined {
  const text = buffer.toString('utf8', start, end);
  // The sign for bytes that are none may also stand there itself.
  return !text.includes('\ufffd') || isUtf8(buffer.subarray(start, end)) ? text : undefined;
}
