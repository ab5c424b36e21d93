"""Celery's side of chords-without-store.test.ts: tasks, a worker's app, and (run as a program) a producer of chords."""
import json
import os
import sys

from celery import Celery, chord, group
from celery.backends.filesystem import FilesystemBackend


class CountingFiles(FilesystemBackend):
    """Celery's file backend with a counter: a number is as many files, of which each is made by one program only."""

    implements_incr = True

    def incr(self, key):
        n = 1
        while True:
            try:
                os.close(os.open(self._filename(key) + b'.%d' % n, os.O_CREAT | os.O_EXCL))
                return n
            except FileExistsError:
                n += 1

    def expire(self, key, value):
        pass

    def delete(self, key):
        try:
            super().delete(key)
        except FileNotFoundError:
            pass


app = Celery('chords', broker=os.environ['CHORDS_BROKER'], backend=os.environ['CHORDS_BACKEND'])
app.conf.update(
    broker_transport_options={'global_keyprefix': os.environ['CHORDS_PREFIX']},
    result_backend_transport_options={'global_keyprefix': os.environ['CHORDS_PREFIX']} if os.environ['CHORDS_BACKEND'].startswith('redis') else {},
    result_chord_retry_interval=0.1,
    result_serializer=os.environ['CHORDS_SERIALIZER'],
    result_compression=os.environ['CHORDS_COMPRESSION'] or None,
    result_accept_content=[os.environ['CHORDS_SERIALIZER']],
    task_default_queue='py',
    worker_hijack_root_logger=False,
)


@app.task(name='proj.add')
def add(x, y):
    return x + y


@app.task(name='proj.sum')
def total(values):
    return sum(values)


@app.task(name='proj.list')
def whole(values):
    return values


@app.task(name='proj.boom')
def boom():
    raise ValueError('no')


if __name__ == '__main__':
    # [[task, args, options]...] and [task, options]: prints the body's id.
    header, (body, options) = json.loads(sys.argv[2])
    tasks = [app.signature(task, args=args, options=opts) for task, args, opts in header]
    if sys.argv[1] == 'group':  # saved, for others to restore; prints its id and, when they are there, its results
        result = group(tasks).apply_async()
        result.save()
        print(json.dumps([result.id, result.get(timeout=20)]))
        sys.exit()
    if sys.argv[1] == 'restore':
        print(json.dumps(app.GroupResult.restore(body).get(timeout=20)))
        sys.exit()
    callback = app.signature(body, options=options)
    if sys.argv[1] == 'chord':
        print(json.dumps(chord(tasks, callback).apply_async().id))
    else:  # what a backend without native join sends, put by hand beside a plain group
        result = group(tasks).apply_async()
        callback.freeze()
        app.backend.fallback_chord_unlock(result, callback)
        print(json.dumps(callback.id))
