import { redisArgument, type RedisConnection } from '../../clients/redis.ts';
import { newId } from '../../kernel/ids.ts';
import type { Clock } from '../../kernel/clock.ts';
import { arraySlices } from '../../protocol/json-slice.ts';
import { decodeJson, encoded, encodedText, encodeJson } from '../../protocol/json-text.ts';
import type { Value } from '../../protocol/json.ts';
import { readSignature, type SignatureData } from '../../protocol/signature.ts';
import type { ChordArrival, ChordClaim, ChordPart, ChordStore, OverdueChord } from '../backend.ts';
import type { MetaCodec } from '../../serialization/meta-codec.ts';
import type { ResultKeys } from './keys.ts';
import * as scripts from './scripts.ts';

/** How much longer the size lives than the deadline: the sweep tells by it that a chord is still open. */
const MARGIN_S = 120;

export interface RedisChordOptions {
  readonly keys: ResultKeys;
  readonly clock: Clock;
  readonly codec: MetaCodec;
  /** Tries again on another connection when one is lost. */
  readonly perform: <T>(action: (connection: RedisConnection) => Promise<T>) => Promise<T>;
  /** `resultChordExpires`; null: never. */
  readonly expiresMs: number | null;
  /** `resultExpires`. */
  readonly resultExpiresMs: number | null;
  readonly joinTimeoutMs: number;
  /** `result_chord_ordered`. */
  readonly isOrdered: boolean;
}

/** Celery 5.7's chords on Redis: its keys, its order, its lives (celery-5.7.md 4), and rows of our own by which a chord whose parts vanished is ended. */
export class RedisChords implements ChordStore {
  readonly #options: RedisChordOptions;
  readonly #keys: ResultKeys;
  readonly #claimS: number;
  readonly #doneS: number;

  constructor(options: RedisChordOptions) {
    this.#options = options;
    this.#keys = options.keys;
    this.#claimS = Math.max(5, Math.trunc((2 * (options.joinTimeoutMs || 5000)) / 1000));
    this.#doneS = Math.max(2 * this.#claimS, 300);
  }

  async open(groupId: string, size: number, body: SignatureData): Promise<void> {
    const { expiresMs, clock } = this.#options;
    const key = this.#keys.group(groupId, '.s');
    const lifeS = this.#lifeS();
    await this.#options.perform((connection) =>
      connection.pipeline([
        // A frozen chord that is sent again is a new run.
        ['DEL', this.#keys.group(groupId, '.c')],
        lifeS === 0 ? ['SET', key, size] : ['SET', key, size, 'EX', lifeS],
        ...(expiresMs === null || lifeS === 0
          ? []
          : [
              ['HSET', this.#keys.chordBodies, groupId, encodeJson(body)] as const,
              ['ZADD', this.#keys.chordDeadlines, (clock.now() + expiresMs) / 1000, groupId] as const,
            ]),
      ]),
    );
  }

  async grow(groupId: string, by: number): Promise<void> {
    await this.#options.perform((connection) => connection.call('INCRBY', this.#keys.group(groupId, '.t'), by));
  }

  async arrive(groupId: string, part: ChordPart): Promise<ChordArrival> {
    const { codec, isOrdered, resultExpiresMs, expiresMs } = this.#options;
    const token = newId();
    const keys = (['.j', '.t', '.s', '.d', '', '.c'] as const).map((name) => this.#keys.group(groupId, name));
    const text = codec.isPlainJson ? partText(part) : redisArgument(codec.encodeValue([1, part.taskId, part.status, part.result.value()]));
    const groupS = expiresMs === null || resultExpiresMs === null ? 0 : Math.ceil(Math.max(expiresMs, resultExpiresMs) / 1000);
    const args = [part.taskId, text, isOrdered ? '1' : '0', part.index ?? '+inf', this.#lifeS(), groupS, this.#claimS, token];
    const [count, , size, claimed, leftMs] = await this.#options.perform(
      async (connection) => ((await connection.run(scripts.arrive, keys, args)) as (string | number)[]).map(Number) as [number, number, number, number, number],
    );
    if (count === -1) return { kind: 'closed' };
    if (claimed === 1) return { kind: 'mine', parts: await this.#parts(groupId), claim: this.#claim(groupId, token) };
    return size >= 0 && leftMs > 0 ? { kind: 'busy', retryInMs: leftMs } : { kind: 'counted' };
  }

  async overdue(max: number): Promise<readonly OverdueChord[]> {
    const now = this.#options.clock.now() / 1000;
    const { chordDeadlines, chordBodies } = this.#keys;
    return this.#options.perform(async (connection) => {
      const ids = (await connection.call('ZRANGE', chordDeadlines, '-inf', now, 'BYSCORE', 'LIMIT', 0, max)) as string[];
      const late: OverdueChord[] = [];
      for (const groupId of ids) {
        const keys = [chordDeadlines, chordBodies, ...(['.c', '.j', '.t', '.s', '.d'] as const).map((name) => this.#keys.group(groupId, name))];
        const taken = (await connection.run(scripts.takeOverdue, keys, [groupId, this.#doneS, now])) as [body: string, size: number, ...seen: string[]] | null;
        if (taken === null) continue;
        const [body, size, ...seen] = taken;
        late.push({ groupId, body: readSignature(decodeJson(body)), size, arrived: seen.map(arrivedPart) });
      }
      return late;
    });
  }

  #lifeS(): number {
    const { expiresMs } = this.#options;
    return expiresMs === null || expiresMs <= 0 ? 0 : Math.ceil(expiresMs / 1000) + MARGIN_S;
  }

  async #parts(groupId: string): Promise<readonly ChordPart[]> {
    const key = this.#keys.group(groupId, '.j');
    const { codec, isOrdered, perform } = this.#options;
    if (!isOrdered) {
      const stored = await perform(async (connection) => (await connection.callBytes('LRANGE', key, 0, -1)) as Buffer[]);
      return stored.map((one) => readPart(one, null, codec));
    }
    const scored = await perform(async (connection) => (await connection.callBytes('ZRANGE', key, 0, -1, 'WITHSCORES')) as Buffer[]);
    return Array.from({ length: scored.length / 2 }, (_, i) => {
      const score = Number(scored[2 * i + 1]!.toString());
      return readPart(scored[2 * i]!, Number.isFinite(score) ? score : null, codec);
    });
  }

  #claim(groupId: string, token: string): ChordClaim {
    const { perform } = this.#options;
    const key = (name: '.j' | '.t' | '.s' | '.d' | '.c'): string => this.#keys.group(groupId, name);
    const finish = async (): Promise<void> => {
      const keys = [key('.c'), key('.j'), key('.t'), key('.s'), key('.d'), this.#keys.chordDeadlines, this.#keys.chordBodies];
      await perform((connection) => connection.run(scripts.finish, keys, [token, this.#doneS, groupId]));
    };
    return {
      extend: async (ms) => (await perform((connection) => connection.run(scripts.extend, [key('.c'), key('.s')], [token, Math.ceil(ms / 1000)]))) === 1,
      close: finish,
      // Celery drops the size only; a mark that the chord is done tells its late parts the same, and leaves nothing behind.
      fail: finish,
    };
  }
}

const partText = ({ taskId, status, result }: ChordPart): string => `[1, ${JSON.stringify(taskId)}, ${JSON.stringify(status)}, ${result.json}]`;

/** `[1, id, state, result]`; of JSON the result as it is written. What is compressed begins with a zero, whatever is written here. */
function readPart(stored: Buffer, index: number | null, codec: MetaCodec): ChordPart {
  if (!codec.isPlainJson || stored[0] === 0) {
    const [, id, state, result = null] = codec.decodeValue(stored) as readonly Value[];
    return { index, taskId: String(id), status: String(state), result: encoded(result) };
  }
  const text = stored.toString();
  const [, id, state, result] = arraySlices(text).map(({ start, end }) => text.slice(start, end));
  return { index, taskId: String(decodeJson(id ?? '""')), status: String(decodeJson(state ?? '""')), result: encodedText(result ?? 'null') };
}

/** A member of the set of parts seen, as Celery writes it: `<task id>:<index>`. */
function arrivedPart(member: string): Pick<ChordPart, 'taskId' | 'index'> {
  const at = member.lastIndexOf(':');
  const index = Number(member.slice(at + 1));
  return { taskId: member.slice(0, at), index: Number.isInteger(index) ? index : null };
}
