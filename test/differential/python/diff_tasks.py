"""The Python side of the differential test: the same tasks as tasks.ts, name by name. Each run leaves a line in a list of its tree."""
import json
import os

from celery import Celery
from celery.exceptions import Ignore

sending = {'queue': 'py'}

app = Celery('diff_tasks', broker=os.environ['INTEROP_BROKER'], backend=os.environ['INTEROP_BACKEND'])
app.conf.update(
    result_extended=True,
    task_create_missing_queues=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    task_default_queue='py',
    task_acks_late=True,
    task_routes=[lambda name, args, kwargs, options, task=None, **kw: {'queue': sending['queue']}],
)


def log(run, tag, args):
    app.backend.client.rpush(f'runs:{run}', json.dumps([tag, args]))


@app.task(name='diff.node')
def node(*args, tag, run):
    log(run, tag, args)
    return [tag, *args]


@app.task(name='diff.told')
def told(failed=None, *, tag, run):
    args = [] if failed is None else [failed]
    log(run, tag, args)
    return [tag, *args]


@app.task(name='diff.fail')
def fail(*args, tag, run):
    log(run, tag, args)
    raise ValueError(tag)


@app.task(name='diff.flaky', bind=True, max_retries=3)
def flaky(self, *args, tag, run, times):
    log(run, f'{tag} again {self.request.retries}', args)
    if self.request.retries < times:
        raise self.retry(exc=ValueError(tag), countdown=0)
    return [tag, *args]


@app.task(name='diff.give_up', bind=True, max_retries=1)
def give_up(self, *args, tag, run):
    log(run, f'{tag} again {self.request.retries}', args)
    raise self.retry(exc=ValueError(tag), countdown=0)


@app.task(name='diff.nothing')
def nothing(*args, tag, run):
    log(run, tag, args)
    raise Ignore()


@app.task(name='diff.one')
def one(x):
    if x == 13:
        raise ValueError('unlucky')
    return [x]


@app.task(name='diff.two')
def two(x, y):
    if x == 13:
        raise ValueError('unlucky')
    return [x, y]
