import { ImproperlyConfigured } from '../errors.ts';

/**
 * Broker or backend URLs, in the order in which they are tried: from one text with `;` between them, or a list.
 * Sentinels that follow one another are one address: the first, with the others in its query as `sentinels=host:port,…`.
 */
export function parseUrls(source: string | readonly string[]): readonly URL[] {
  const texts = (typeof source === 'string' ? [source] : source).flatMap((text) => text.split(';')).map((text) => text.trim());
  const urls: URL[] = [];
  for (const text of texts.filter((part) => part !== '')) {
    const url = parseUrl(text);
    const last = urls.at(-1);
    if (url.protocol === 'sentinel:' && last?.protocol === 'sentinel:') {
      const others = last.searchParams.get('sentinels');
      last.searchParams.set('sentinels', others === null ? url.host : `${others},${url.host}`);
    } else urls.push(url);
  }
  if (urls.length === 0) throw new ImproperlyConfigured(`a URL was expected, such as redis://127.0.0.1:6379/0, but it is empty`);
  return urls;
}

/** One URL; a bare transport name (`redis`, `memory`) is one too, as in Celery. */
export function parseUrl(text: string): URL {
  const url = /^[a-z][a-z0-9+]*$/i.test(text) ? `${text}://` : text;
  const port = /^(?:[^/?#]*@)?[\w.-]+:(\d+)(?:[/?]|$)/.exec(text)?.[1];
  if (port !== undefined) {
    const scheme = SCHEME_OF_PORT[port];
    const meant = (scheme === undefined ? ['redis', 'amqp'] : [scheme]).map((name) => maskUrl(`${name}://${text}`)).join(' or ');
    throw new ImproperlyConfigured(`${JSON.stringify(hiddenLogin(text))} names a server, but not which kind of broker or store it is; did you mean ${meant}?`);
  }
  if (!URL.canParse(url)) {
    const hint = text.includes('@') ? '. In a password / is written %2F, ? %3F, # %23 and @ %40' : '';
    throw new ImproperlyConfigured(
      `${JSON.stringify(text.includes('://') ? maskUrl(text) : hiddenLogin(text))} is not a URL; expected something like redis://127.0.0.1:6379/0, amqp://user:password@host//, or sqlite:///tasks.db${hint}`,
    );
  }
  return new URL(url);
}

/** By the port one can tell which server somebody means who wrote no scheme. */
const SCHEME_OF_PORT: Readonly<Record<string, string>> = { 6379: 'redis', 6380: 'rediss', 26379: 'sentinel', 5672: 'amqp', 5671: 'amqps' };

/** A login without a scheme before it, which `maskUrl` does not take for one. */
const hiddenLogin = (text: string): string => text.replace(/^.*@/s, '**@');

/** The scheme without its colon: `redis`, `sqla+sqlite`. */
export const schemeOf = (url: URL): string => url.protocol.slice(0, -1);

/** Where the next URL of a list begins, or the next one in a text. */
const NEXT_URL = String.raw`(?<=[\s;,"'(<[|])[a-z][a-z0-9+.-]*://`;
const within = (characters: string): string => `(?:(?!${NEXT_URL})${characters})*`;
/** From the first colon to the last `@`: somebody who has not escaped the `/`, `?`, `#` or `@` of a password has a URL that is none, or quite another one. */
const LOGIN_OF_URL = new RegExp(`(://(?!/)${within('[^:]')}):${within('.')}@`, 'gis');
/** In a text a blank ends the URL, save between what is a login for certain. */
const LOGIN_IN_TEXT = new RegExp(
  String.raw`(://(?!/)${within(String.raw`[^:\s]`)}):(?:${within(String.raw`[^/?#\n]`)}@(?:${within(String.raw`\S`)}@)?|${within(String.raw`\S`)}@)`,
  'gi',
);
const SECRET_QUERY = /([?&][\w.-]*(?:pass(?:word|wd|phrase)|pwd|token|secret|key|sig|signature|credentials?)=)[^&;\n]*/gi;

/** The text of a URL, or of a list of them, with every password replaced by `**`. Works on what is not quite a URL too: a secret must never be shown. */
export function maskUrl(url: URL | string): string {
  return String(url).replaceAll(LOGIN_OF_URL, '$1:**@').replaceAll(SECRET_QUERY, '$1**');
}

/** Any text (an error's message, a log line) with the passwords of URLs in it masked. */
export function maskText(text: string): string {
  return text.replaceAll(LOGIN_IN_TEXT, '$1:**@').replaceAll(SECRET_QUERY, '$1**');
}
