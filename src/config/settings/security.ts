import { row } from './kind.ts';
import { orNull, text } from './kinds.ts';

/** Settings of signed messages (serializer `auth`). */
export const securitySettings = {
  /** Where trusted certificates lie: a folder or a glob. */
  securityCertStore: row(orNull(text), null, { old: 'CELERY_SECURITY_CERT_STORE', built: false }),
  /** Our own certificate: its file, or its text. */
  securityCertificate: row(orNull(text), null, { old: 'CELERY_SECURITY_CERTIFICATE', built: false }),
  /** Name of the hash. */
  securityDigest: row(text, 'sha256', { old: 'CELERY_SECURITY_DIGEST', built: false }),
  /** Our private key: its file, or its text. */
  securityKey: row(orNull(text), null, { old: 'CELERY_SECURITY_KEY', built: false, secret: true }),
  /** Password of that key. */
  securityKeyPassword: row(orNull(text), null, { old: 'CELERY_SECURITY_KEY_PASSWORD', built: false, secret: true }),
};
