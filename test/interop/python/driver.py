"""A Python producer that does what the test says: one JSON command a line in, one JSON answer a line out."""
import sys

from kombu.utils.json import dumps, loads
from proj import app


def call(command):
    options = dict(command['options'])
    for name in ('link', 'link_error'):
        if name in options:
            options[name] = [app.signature(dict(s)) for s in options[name]]
            if app.conf.result_backend.startswith('rpc'):  # so that their results come here too, as those of ours do
                for s in options[name]:
                    s.freeze(s.options['task_id'])
    app.send_task(command['task'], args=command['args'], kwargs=command['kwargs'], task_id=command['id'], **options)
    return None


def outcome(command):
    result = app.AsyncResult(command['id'])  # made anew each time: it would remember a final state
    meta = result.backend.get_task_meta(command['id'])
    value = meta['result']
    failed = isinstance(value, BaseException)
    error = {'type': type(value).__name__, 'message': [str(a) for a in value.args]} if failed else None
    return {'state': meta['status'], 'result': None if failed else value, 'error': error, 'traceback': bool(meta.get('traceback')),
            'children': [getattr(child, 'id', child) for child in result.children or []], 'parent_id': meta.get('parent_id'), 'name': meta.get('name')}


def revoke(command):
    app.control.revoke(command['id'], terminate=command.get('terminate', False))


def inspect(command):
    return getattr(app.control.inspect(timeout=command['timeout'], destination=command.get('destination')), command['method'])()


def shutdown(command):
    app.control.shutdown(destination=command['destination'])


commands = {'call': call, 'outcome': outcome, 'revoke': revoke, 'inspect': inspect, 'shutdown': shutdown}
print('ready', flush=True)
for line in sys.stdin:
    command = loads(line)
    try:
        answer = {'ok': commands[command['do']](command)}
    except Exception as exc:  # the test shows it
        answer = {'error': repr(exc)}
    print(dumps(answer), flush=True)
