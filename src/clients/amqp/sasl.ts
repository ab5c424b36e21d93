import { ByteWriter } from './bytes.ts';

/** How a client says who it is. EXTERNAL: by its TLS certificate. */
export type Mechanism = 'PLAIN' | 'AMQPLAIN' | 'EXTERNAL';

/** The answer that goes into connection.start-ok. */
export function saslResponse(mechanism: Mechanism, username: string, password: string): Uint8Array {
  if (mechanism === 'PLAIN') return Buffer.from(`\0${username}\0${password}`);
  if (mechanism === 'EXTERNAL') return new Uint8Array();
  // AMQPLAIN is a field table without its length.
  const out = new ByteWriter();
  for (const [name, value] of [
    ['LOGIN', username],
    ['PASSWORD', password],
  ] as const) {
    out.shortString(name);
    out.letter('S');
    out.longString(value);
  }
  return out.take();
}
