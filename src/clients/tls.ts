/** TLS as users give it (`brokerUseSsl`, `redisBackendUseSsl`); the names are Node's own. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array | undefined;
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Asked before each connection: for passwords that change. */
export type CredentialProvider = () => Promise<{ readonly username?: string; readonly password: string }>;
