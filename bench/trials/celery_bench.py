"""The same work by Celery: `celery_bench.py serial|drain|drain-prefork|drain-threads|drain-solo N`. Prints one JSON line of figures."""
import json
import mmap
import os
import subprocess
import sys
import tempfile
import time

from celery import Celery

app = Celery('bench', broker=os.environ['BENCH_BROKER'], backend=os.environ.get('BENCH_BACKEND'))
app.conf.task_ignore_result = os.environ.get('BENCH_NO_RESULT') == '1'
app.conf.worker_prefetch_multiplier = int(os.environ.get('BENCH_PREFETCH', '4'))
# A byte for each task, seen by all processes: nothing else costs as little, and nothing needs to be asked.
runs = None
if 'BENCH_RUNS' in os.environ:
    with open(os.environ['BENCH_RUNS'], 'r+b') as file:
        runs = mmap.mmap(file.fileno(), 0)


@app.task(name='bench.add')
def add(x, y):
    if runs is not None:
        runs[y] = 1
    return x + y


@app.task(name='bench.sum')
def total(numbers):
    return sum(numbers)


def figures(n, started, cpu):
    seconds = time.time() - started
    print(json.dumps({'n': n, 'seconds': seconds, 'perSecond': n / seconds, 'clientUs': cpu * 1e6 / n, 'serverUs': None, 'rssMb': 0}))


def cpu_seconds(parent):
    ticks = 0
    children = subprocess.run(['pgrep', '-P', str(parent)], capture_output=True, text=True).stdout.split()
    for pid in [str(parent), *children]:
        with open(f'/proc/{pid}/stat') as file:
            fields = file.read().rpartition(') ')[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


def drain(n, pool):
    """No results: from the first tasks that ran to the last. Starting the worker is not draining."""
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(n)
        with mmap.mmap(file.fileno(), n) as ran:
            for i in range(n):
                add.delay(1, i)
            command = [sys.executable, '-m', 'celery', '-A', 'celery_bench', 'worker', '-P', pool, '-c', os.environ.get('BENCH_CONCURRENCY', '2'), '-l', 'ERROR',
                       '--without-gossip', '--without-mingle', '--without-heartbeat']
            worker = subprocess.Popen(command, cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      env={**os.environ, 'BENCH_RUNS': file.name})
            try:
                while (done := ran[:].count(1)) < min(100, n):
                    time.sleep(0.01)
                started, cpu = time.time(), cpu_seconds(worker.pid)
                while ran[:].count(1) < n:
                    time.sleep(0.02)
                figures(n - done, started, cpu_seconds(worker.pid) - cpu)
            finally:
                worker.kill()
                worker.wait()


if __name__ == '__main__':
    what, n = sys.argv[1], int(sys.argv[2])
    if what == 'serial':
        add.delay(1, 1)
        started, cpu = time.time(), time.process_time()
        for i in range(n):
            add.delay(1, i)
        figures(n, started, time.process_time() - cpu)
    elif what.startswith('canvas-'):
        from celery_canvas import run
        run(what.removeprefix('canvas-'), n, add, total, figures)
    elif what.startswith('drain-'):
        drain(n, what.removeprefix('drain-'))
    else:
        import redis
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
