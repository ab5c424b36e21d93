"""The Python side of the interop table: the same tasks as proj.ts, name by name."""
import os
import time

from celery import Celery
from celery.exceptions import Ignore, Reject

app = Celery('proj', broker=os.environ['INTEROP_BROKER'], backend=os.environ['INTEROP_BACKEND'])
app.conf.update(
    accept_content=['json', 'msgpack', 'yaml'],
    result_extended=True,
    task_create_missing_queues=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    task_default_queue='py',
    broker_transport_options={'queue_order_strategy': 'priority'},
)


class Broken(Exception):
    pass


@app.task(name='proj.add')
def add(x, y):
    return x + y


@app.task(name='proj.defaults')
def defaults(a, b=2, c='x'):
    return [a, b, c]


@app.task(name='proj.rest')
def rest(first, *others, **named):
    return [first, list(others), named]


@app.task(name='proj.echo')
def echo(value):
    return value


@app.task(name='proj.fail')
def fail(kind, message):
    raise {'value': ValueError, 'type': TypeError, 'key': KeyError, 'own': Broken}[kind](message)


@app.task(name='proj.retry', bind=True, max_retries=5, default_retry_delay=0.1)
def retry(self, times):
    if self.request.retries < times:
        raise self.retry(exc=ValueError(f'attempt {self.request.retries}'), countdown=0.1)
    return self.request.retries


@app.task(name='proj.give_up', bind=True, max_retries=1)
def give_up(self):
    raise self.retry(exc=ValueError('never works'), countdown=0.1)


@app.task(name='proj.request', bind=True)
def request(self):
    r = self.request
    return {'id': r.id, 'root_id': r.root_id, 'parent_id': r.parent_id, 'group': r.group, 'retries': r.retries,
            'priority': (r.delivery_info or {}).get('priority'), 'routing_key': (r.delivery_info or {}).get('routing_key'),
            'tenant': (r.headers or {}).get('tenant', getattr(r, 'tenant', None)), 'timelimit': list(r.timelimit or [None, None])}


@app.task(name='proj.parent', bind=True)
def parent(self, task, args):
    child = self.app.signature(task, args=args).apply_async(queue=self.request.delivery_info['routing_key'])
    return child.id


@app.task(name='proj.sleep')
def sleep(seconds):
    time.sleep(seconds)
    return seconds


@app.task(name='proj.ignored', ignore_result=True)
def ignored(x):
    return x


@app.task(name='proj.custom', bind=True)
def custom(self, seconds):
    self.update_state(state='PROGRESS', meta={'done': 1, 'total': 2})
    time.sleep(seconds)
    return 'done'


@app.task(name='proj.reject')
def reject():
    raise Reject('no', requeue=False)


@app.task(name='proj.ignore_me')
def ignore_me():
    raise Ignore()


@app.task(name='proj.replace', bind=True)
def replace(self, x):
    return self.replace(self.app.signature('proj.add', args=(x, 100), queue=self.request.delivery_info['routing_key']))


@app.task(name='proj.now')
def now():
    return time.time()


@app.task(name='proj.failed_id')
def failed_id(task_id):
    return task_id
