import type { JsonObject } from './json.ts';
/** What a broker carries: an opaque body and the labels on the envelope. */
export interface WireMessage {
  readonly body: WireBody;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly headers: JsonObject;
  /** The same headers as JSON text, when the sender made them from a template: who writes an envelope splices it in. */
  readonly headersText?: string;
  /** Said by a sender who knows that its headers, properties and labels are: then bytes need not be counted. The body does not count, which base64 makes ASCII. */
  readonly isAscii?: boolean;
  readonly properties: MessageProperties;
}
/** As it came, or as it will go: bytes (AMQP, compressed), text, or kombu's base64. Converted only where another form is needed. */
export type WireBody = Uint8Array | { readonly text: string } | { readonly base64: string };
export interface MessageProperties {
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly priority?: number | undefined;
  readonly expirationMs?: number | undefined;
  readonly persistent?: boolean | undefined;
  /** Further properties, written as they are (`messageGroupId`). */
  readonly extra?: JsonObject | undefined;
}
