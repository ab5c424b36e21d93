"""Kombu's side of amqp.test.ts: one act a run, told by arguments, answered as JSON on stdout."""
import json
import sys

from kombu import Connection, Producer

act, url, args = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def answer(value):
    print(json.dumps(value), flush=True)


if act == 'send':
    with Connection(url) as connection:
        Producer(connection.default_channel).publish({}, exchange='', routing_key=args['queue'], headers=args['headers'])
    answer('sent')
elif act == 'take':
    with Connection(url) as connection:
        channel = connection.default_channel
        message = channel.basic_get(args['queue'], no_ack=True)
        headers = message.headers
        answer({name: value for name, value in headers.items() if not name.startswith('x-')} if message else None)
