import { hostname } from 'node:os';

/** A worker's node name: `celery@<host>` when nothing is given; `@<host>` is added where missing. Celery's `%h %n %d %p %i %I %%` are filled in. */
export function nodeName(given: string | undefined, host: string = hostname()): string {
  const [name, ...rest] = (given === undefined || given === '' ? 'celery' : given).split('@');
  const node = rest.join('@');
  const [domain, short] = [host.includes('.') ? host.slice(host.indexOf('.') + 1) : '', host.split('.')[0]!];
  const fill = (text: string): string =>
    text.replaceAll(/%([hndiI%])/g, (_, letter: string) => ({ h: host, n: short, d: domain, i: '0', I: '', '%': '%' })[letter] ?? '');
  return `${fill(name!) || 'celery'}@${node === '' ? host : fill(node)}`;
}

/** `%` directives of a file's name (`--logfile`, `--pidfile`) for this node. */
export function fillNodeName(text: string, node: string): string {
  const [name, host] = [node.split('@')[0]!, node.slice(node.indexOf('@') + 1)];
  return text.replaceAll(
    /%([hndpiI%])/g,
    (_, letter: string) =>
      ({ p: node, n: name, h: host, d: host.includes('.') ? host.slice(host.indexOf('.') + 1) : '', i: '0', I: '', '%': '%' })[letter] ?? '',
  );
}
