"""Python's side of amqp-quorum.test.ts: a worker on the queue that ours takes from, too."""
import os
import time

from celery import Celery

app = Celery('proj', broker=os.environ['QUORUM_BROKER'], backend='rpc://')
app.conf.update(task_default_queue=os.environ['QUORUM_QUEUE'], task_default_queue_type='quorum', task_default_exchange_type='topic')


@app.task(name='proj.where')
def where():
    time.sleep(0.02)
    return 'py'


@app.task(name='proj.sends_later', bind=True)
def sends_later(self, ids):
    for one in ids:  # answered to whoever called this one
        app.send_task('proj.where', task_id=one, countdown=1.5, reply_to=self.request.reply_to)
