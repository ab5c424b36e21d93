import type { ByteReader, ByteWriter } from './bytes.ts';
import { AmqpSyntaxError } from './errors.ts';
import { readTable, writeTable, type FieldTable } from './field-table.ts';

type ArgumentType = 'octet' | 'short' | 'long' | 'longlong' | 'shortstr' | 'longstr' | 'bytes' | 'bit' | 'table';
type Arguments = readonly (readonly [name: string, type: ArgumentType])[];

/** The methods of AMQP 0-9-1 and of RabbitMQ's extensions that we send or hear: class, number, arguments in order (amqp0-9-1.extended.xml). */
export const METHODS = {
  'connection.start': [
    10,
    10,
    [
      ['versionMajor', 'octet'],
      ['versionMinor', 'octet'],
      ['serverProperties', 'table'],
      ['mechanisms', 'longstr'],
      ['locales', 'longstr'],
    ],
  ],
  'connection.start-ok': [
    10,
    11,
    [
      ['clientProperties', 'table'],
      ['mechanism', 'shortstr'],
      ['response', 'bytes'],
      ['locale', 'shortstr'],
    ],
  ],
  'connection.secure': [10, 20, [['challenge', 'bytes']]],
  'connection.secure-ok': [10, 21, [['response', 'bytes']]],
  'connection.tune': [
    10,
    30,
    [
      ['channelMax', 'short'],
      ['frameMax', 'long'],
      ['heartbeat', 'short'],
    ],
  ],
  'connection.tune-ok': [
    10,
    31,
    [
      ['channelMax', 'short'],
      ['frameMax', 'long'],
      ['heartbeat', 'short'],
    ],
  ],
  'connection.open': [
    10,
    40,
    [
      ['virtualHost', 'shortstr'],
      ['reserved1', 'shortstr'],
      ['reserved2', 'bit'],
    ],
  ],
  'connection.open-ok': [10, 41, [['reserved1', 'shortstr']]],
  'connection.close': [
    10,
    50,
    [
      ['replyCode', 'short'],
      ['replyText', 'shortstr'],
      ['classId', 'short'],
      ['methodId', 'short'],
    ],
  ],
  'connection.close-ok': [10, 51, []],
  'connection.blocked': [10, 60, [['reason', 'shortstr']]],
  'connection.unblocked': [10, 61, []],
  'connection.update-secret': [
    10,
    70,
    [
      ['newSecret', 'longstr'],
      ['reason', 'shortstr'],
    ],
  ],
  'connection.update-secret-ok': [10, 71, []],
  'channel.open': [20, 10, [['reserved1', 'shortstr']]],
  'channel.open-ok': [20, 11, [['reserved1', 'longstr']]],
  'channel.flow': [20, 20, [['active', 'bit']]],
  'channel.flow-ok': [20, 21, [['active', 'bit']]],
  'channel.close': [
    20,
    40,
    [
      ['replyCode', 'short'],
      ['replyText', 'shortstr'],
      ['classId', 'short'],
      ['methodId', 'short'],
    ],
  ],
  'channel.close-ok': [20, 41, []],
  'exchange.declare': [
    40,
    10,
    [
      ['ticket', 'short'],
      ['exchange', 'shortstr'],
      ['type', 'shortstr'],
      ['passive', 'bit'],
      ['durable', 'bit'],
      ['autoDelete', 'bit'],
      ['internal', 'bit'],
      ['nowait', 'bit'],
      ['arguments', 'table'],
    ],
  ],
  'exchange.declare-ok': [40, 11, []],
  'exchange.delete': [
    40,
    20,
    [
      ['ticket', 'short'],
      ['exchange', 'shortstr'],
      ['ifUnused', 'bit'],
      ['nowait', 'bit'],
    ],
  ],
  'exchange.delete-ok': [40, 21, []],
  'exchange.bind': [
    40,
    30,
    [
      ['ticket', 'short'],
      ['destination', 'shortstr'],
      ['source', 'shortstr'],
      ['routingKey', 'shortstr'],
      ['nowait', 'bit'],
      ['arguments', 'table'],
    ],
  ],
  'exchange.bind-ok': [40, 31, []],
  'queue.declare': [
    50,
    10,
    [
      ['ticket', 'short'],
      ['queue', 'shortstr'],
      ['passive', 'bit'],
      ['durable', 'bit'],
      ['exclusive', 'bit'],
      ['autoDelete', 'bit'],
      ['nowait', 'bit'],
      ['arguments', 'table'],
    ],
  ],
  'queue.declare-ok': [
    50,
    11,
    [
      ['queue', 'shortstr'],
      ['messageCount', 'long'],
      ['consumerCount', 'long'],
    ],
  ],
  'queue.bind': [
    50,
    20,
    [
      ['ticket', 'short'],
      ['queue', 'shortstr'],
      ['exchange', 'shortstr'],
      ['routingKey', 'shortstr'],
      ['nowait', 'bit'],
      ['arguments', 'table'],
    ],
  ],
  'queue.bind-ok': [50, 21, []],
  'queue.purge': [
    50,
    30,
    [
      ['ticket', 'short'],
      ['queue', 'shortstr'],
      ['nowait', 'bit'],
    ],
  ],
  'queue.purge-ok': [50, 31, [['messageCount', 'long']]],
  'queue.delete': [
    50,
    40,
    [
      ['ticket', 'short'],
      ['queue', 'shortstr'],
      ['ifUnused', 'bit'],
      ['ifEmpty', 'bit'],
      ['nowait', 'bit'],
    ],
  ],
  'queue.delete-ok': [50, 41, [['messageCount', 'long']]],
  'queue.unbind': [
    50,
    50,
    [
      ['ticket', 'short'],
      ['queue', 'shortstr'],
      ['exchange', 'shortstr'],
      ['routingKey', 'shortstr'],
      ['arguments', 'table'],
    ],
  ],
  'queue.unbind-ok': [50, 51, []],
  'basic.qos': [
    60,
    10,
    [
      ['prefetchSize', 'long'],
      ['prefetchCount', 'short'],
      ['global', 'bit'],
    ],
  ],
  'basic.qos-ok': [60, 11, []],
  'basic.consume': [
    60,
    20,
    [
      ['ticket', 'short'],
      ['queue', 'shortstr'],
      ['consumerTag', 'shortstr'],
      ['noLocal', 'bit'],
      ['noAck', 'bit'],
      ['exclusive', 'bit'],
      ['nowait', 'bit'],
      ['arguments', 'table'],
    ],
  ],
  'basic.consume-ok': [60, 21, [['consumerTag', 'shortstr']]],
  'basic.cancel': [
    60,
    30,
    [
      ['consumerTag', 'shortstr'],
      ['nowait', 'bit'],
    ],
  ],
  'basic.cancel-ok': [60, 31, [['consumerTag', 'shortstr']]],
  'basic.publish': [
    60,
    40,
    [
      ['ticket', 'short'],
      ['exchange', 'shortstr'],
      ['routingKey', 'shortstr'],
      ['mandatory', 'bit'],
      ['immediate', 'bit'],
    ],
  ],
  'basic.return': [
    60,
    50,
    [
      ['replyCode', 'short'],
      ['replyText', 'shortstr'],
      ['exchange', 'shortstr'],
      ['routingKey', 'shortstr'],
    ],
  ],
  'basic.deliver': [
    60,
    60,
    [
      ['consumerTag', 'shortstr'],
      ['deliveryTag', 'longlong'],
      ['redelivered', 'bit'],
      ['exchange', 'shortstr'],
      ['routingKey', 'shortstr'],
    ],
  ],
  'basic.get': [
    60,
    70,
    [
      ['ticket', 'short'],
      ['queue', 'shortstr'],
      ['noAck', 'bit'],
    ],
  ],
  'basic.get-ok': [
    60,
    71,
    [
      ['deliveryTag', 'longlong'],
      ['redelivered', 'bit'],
      ['exchange', 'shortstr'],
      ['routingKey', 'shortstr'],
      ['messageCount', 'long'],
    ],
  ],
  'basic.get-empty': [60, 72, [['reserved1', 'shortstr']]],
  'basic.ack': [
    60,
    80,
    [
      ['deliveryTag', 'longlong'],
      ['multiple', 'bit'],
    ],
  ],
  'basic.reject': [
    60,
    90,
    [
      ['deliveryTag', 'longlong'],
      ['requeue', 'bit'],
    ],
  ],
  'basic.nack': [
    60,
    120,
    [
      ['deliveryTag', 'longlong'],
      ['multiple', 'bit'],
      ['requeue', 'bit'],
    ],
  ],
  'confirm.select': [85, 10, [['nowait', 'bit']]],
  'confirm.select-ok': [85, 11, []],
} as const satisfies Record<string, readonly [classId: number, methodId: number, args: Arguments]>;

export type MethodName = keyof typeof METHODS;
type TypeOf = {
  octet: number;
  short: number;
  long: number;
  longlong: number;
  shortstr: string;
  longstr: string;
  bytes: Uint8Array;
  bit: boolean;
  table: FieldTable;
};
type ArgumentsOf<N extends MethodName> = (typeof METHODS)[N][2][number] & readonly [string, ArgumentType];
/** The arguments of a method, by name. */
export type Fields<N extends MethodName> = { readonly [A in ArgumentsOf<N> as A[0]]: TypeOf[A[1]] };
/** A method as it was read. */
export type Method = { readonly [N in MethodName]: { readonly name: N; readonly fields: Fields<N> } }[MethodName];

const byNumber = new Map<number, MethodName>(Object.entries(METHODS).map(([name, [classId, methodId]]) => [(classId << 16) | methodId, name as MethodName]));

const NO_BYTES = new Uint8Array();

/** The name of a method by its numbers, as a close complains of it; empty when there is none. */
export const methodName = (classId: number, methodId: number): string => byNumber.get((classId << 16) | methodId) ?? '';

/** Writes class, number and arguments; what is not given is 0, '' or false. */
export function writeMethod<N extends MethodName>(out: ByteWriter, name: N, fields: Partial<Fields<N>>): void {
  const [classId, methodId, args] = METHODS[name] as readonly [number, number, Arguments];
  const given = fields as Readonly<Record<string, unknown>>;
  out.u16(classId);
  out.u16(methodId);
  let bits = 0;
  let count = 0;
  for (const [argument, type] of args) {
    if (type === 'bit') {
      if (given[argument] === true) bits |= 1 << count;
      count += 1;
      continue;
    }
    if (count > 0) out.u8(bits);
    bits = count = 0;
    writeArgument(out, type, given[argument]);
  }
  if (count > 0) out.u8(bits);
}

export interface Publish {
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
}

/** As the table says, without asking the table: one goes with every message. */
export function writePublish(out: ByteWriter, { exchange, routingKey, mandatory }: Publish): void {
  const [classId, methodId] = METHODS['basic.publish'];
  out.u16(classId);
  out.u16(methodId);
  out.u16(0);
  out.shortString(exchange);
  out.shortString(routingKey);
  out.u8(mandatory ? 1 : 0);
}

function writeArgument(out: ByteWriter, type: ArgumentType, value: unknown): void {
  if (type === 'shortstr') out.shortString((value as string | undefined) ?? '');
  else if (type === 'longstr') out.longString((value as string | undefined) ?? '');
  else if (type === 'bytes') out.longBytes((value as Uint8Array | undefined) ?? NO_BYTES);
  else if (type === 'table') writeTable(out, (value as FieldTable | undefined) ?? {});
  else if (type === 'octet') out.u8((value as number | undefined) ?? 0);
  else if (type === 'short') out.u16((value as number | undefined) ?? 0);
  else if (type === 'long') out.u32((value as number | undefined) ?? 0);
  else out.u64Number((value as number | undefined) ?? 0);
}

/** Reads the payload of a method frame. */
export function readMethod(input: ByteReader): Method {
  const classId = input.u16();
  const methodId = input.u16();
  const number = (classId << 16) | methodId;
  if (number === DELIVER) return readDeliver(input);
  const name = byNumber.get(number);
  if (name === undefined) throw new AmqpSyntaxError(`the method ${classId}.${methodId} is unknown`);
  const fields: Record<string, unknown> = {};
  let bits = 0;
  let count = 0;
  for (const [argument, type] of METHODS[name][2] as Arguments) {
    if (type === 'bit') {
      if (count === 0) bits = input.u8();
      fields[argument] = (bits & (1 << count)) !== 0;
      count += 1;
    } else {
      count = 0;
      fields[argument] = readArgument(input, type);
    }
  }
  return { name, fields } as unknown as Method;
}

const DELIVER = (METHODS['basic.deliver'][0] << 16) | METHODS['basic.deliver'][1];

/** As the table says, without asking the table: one comes with every message. */
function readDeliver(input: ByteReader): Method {
  const fields = {
    consumerTag: input.recurringString(),
    deliveryTag: input.u64Number(),
    redelivered: (input.u8() & 1) !== 0,
    exchange: input.recurringString(),
    routingKey: input.recurringString(),
  };
  return { name: 'basic.deliver', fields };
}

function readArgument(input: ByteReader, type: ArgumentType): unknown {
  if (type === 'shortstr') return input.shortString();
  if (type === 'longstr') return input.longString();
  if (type === 'bytes') return input.longBytes();
  if (type === 'table') return readTable(input);
  if (type === 'octet') return input.u8();
  if (type === 'short') return input.u16();
  if (type === 'long') return input.u32();
  return input.u64Number();
}
