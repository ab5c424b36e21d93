"""The same work by Celery: `celery_bench.py serial|drain N`. Prints one JSON line of figures."""
import json
import os
import subprocess
import sys
import time

import redis
from celery import Celery

app = Celery('bench', broker=os.environ['BENCH_BROKER'], backend=os.environ['BENCH_BACKEND'])


@app.task(name='bench.add')
def add(x, y):
    return x + y


def figures(n, started, cpu):
    seconds = time.time() - started
    print(json.dumps({'n': n, 'seconds': seconds, 'perSecond': n / seconds, 'clientUs': cpu * 1e6 / n, 'redisUs': None, 'rssMb': 0}))


if __name__ == '__main__':
    what, n = sys.argv[1], int(sys.argv[2])
    if what == 'serial':
        add.delay(1, 1)
        started, cpu = time.time(), time.process_time()
        for i in range(n):
            add.delay(1, i)
        figures(n, started, time.process_time() - cpu)
    else:
        for i in range(n):
            add.delay(1, i)
        store = redis.Redis.from_url(os.environ['BENCH_BACKEND'])
        worker = subprocess.Popen([sys.executable, '-m', 'celery', '-A', 'celery_bench', 'worker', '-c', '2', '-l', 'ERROR', '--without-gossip', '--without-mingle', '--without-heartbeat'],
                                  cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while store.dbsize() < 10:
            time.sleep(0.01)
        started, done = time.time(), store.dbsize()
        while store.dbsize() < n:
            time.sleep(0.02)
        figures(n - done, started, 0)
        worker.terminate()
        worker.wait()
