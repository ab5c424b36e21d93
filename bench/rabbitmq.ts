/** RabbitMQ as the trials need it: an empty virtual host for each, and its process, for its processor time. Both by its management API. */
export interface RabbitMq {
  readonly broker: string;
  readonly pid: string;
  empty(): Promise<void>;
}

const VHOST = 'bench';

export async function rabbitMq(amqp: string, management: string): Promise<RabbitMq> {
  const api = new URL(management);
  const authorization = `Basic ${Buffer.from(`${decodeURIComponent(api.username)}:${decodeURIComponent(api.password)}`).toString('base64')}`;
  const ask = async (method: string, path: string, body?: object): Promise<Response> => {
    // A trial blocks this process longer than the broker keeps an idle connection: none is kept.
    const headers = { authorization, 'content-type': 'application/json', connection: 'close' };
    const answer = await fetch(new URL(`/api/${path}`, api.origin), { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok && answer.status !== 404) throw new Error(`RabbitMQ's management API answers ${answer.status} to ${method} ${path}`);
    return answer;
  };
  const [node] = (await (await ask('GET', 'nodes')).json()) as [{ readonly os_pid: string }];
  return {
    broker: `${amqp.replace(/\/$/, '')}/${VHOST}`,
    pid: node.os_pid,
    async empty() {
      await ask('DELETE', `vhosts/${VHOST}`);
      await ask('PUT', `vhosts/${VHOST}`, {});
      await ask('PUT', `permissions/${VHOST}/${decodeURIComponent(api.username)}`, { configure: '.*', write: '.*', read: '.*' });
    },
  };
}
