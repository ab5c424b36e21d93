import { AmqpSyntaxError } from './errors.ts';

export const FRAME_METHOD = 1;
export const FRAME_HEADER = 2;
export const FRAME_BODY = 3;
export const FRAME_HEARTBEAT = 8;
export const FRAME_END = 0xce;
/** Type, channel and size before the payload, one byte after it. */
export const FRAME_OVERHEAD = 8;
/** What a client says first: AMQP 0-9-1. */
export const PROTOCOL_HEADER = Buffer.from([65, 77, 81, 80, 0, 0, 9, 1]);

/** A frame's payload lies in `buffer` from `start` to `end`; the buffer belongs to the socket and must not be kept. */
export type OnFrame = (type: number, channel: number, buffer: Buffer, start: number, end: number) => void;

/** Cuts the stream of bytes into frames, without copying but for a frame that comes in pieces. */
export class FrameParser {
  readonly #onFrame: OnFrame;
  /** The largest frame that the peers agreed on; before that, the least that both must take. */
  maxFrameBytes = 4096;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** How many bytes are needed before there is anything to do. */
  #wanted = 7;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Throws AmqpSyntaxError when the bytes are not frames; nothing that follows can be read then. */
  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return;
    const buffer = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#bytes);
    let offset = 0;
    this.#wanted = 7;
    while (buffer.length - offset >= 7) {
      const size = buffer.readUInt32BE(offset + 3);
      if (size + FRAME_OVERHEAD > this.maxFrameBytes)
        throw new AmqpSyntaxError(
          this.#foreign(buffer, offset) ?? `a frame of ${size} bytes came, ${this.maxFrameBytes - FRAME_OVERHEAD} are the most allowed`,
        );
      const end = offset + 7 + size;
      if (end >= buffer.length) {
        this.#wanted = size + FRAME_OVERHEAD;
        break;
      }
      if (buffer[end] !== FRAME_END) throw new AmqpSyntaxError('a frame does not end with its end mark');
      this.#onFrame(buffer[offset]!, buffer.readUInt16BE(offset + 1), buffer, offset + 7, end);
      offset = end + 1;
    }
    this.#parts = offset < buffer.length ? [buffer.subarray(offset)] : [];
    this.#bytes = buffer.length - offset;
  }

  /** A server of another version answers with its own protocol header; another kind of server with anything at all. */
  #foreign(buffer: Buffer, offset: number): string | undefined {
    const text = buffer.toString('latin1', offset, offset + 8);
    if (text.startsWith('AMQP'))
      return `the server speaks another version of AMQP (${[...buffer.subarray(offset + 4, offset + 8)].join('.')}); 0-9-1 is needed`;
    return text.startsWith('HTTP') ? 'the server answers in HTTP: is this the management port?' : undefined;
  }
}
