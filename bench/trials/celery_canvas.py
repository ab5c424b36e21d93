"""The workflows of celeriac-canvas.ts by Celery."""
import os
import subprocess
import sys
import time

from celery import chain, chord, group


def layer(add, is_first):
    return group([add.s(1, 1) if is_first else add.si(1, 1) for _ in range(10)])


def run(shape, n, add, total, figures):
    sizes = {
        'chord': (1001, 2000, lambda: chord([add.s(1, 1) for _ in range(1000)], total.s()).delay()),
        'chain': (100, 100, lambda: chain(add.s(1, 0), *[add.s(1) for _ in range(99)]).delay()),
        'dag': (110, 20, lambda: chain(layer(add, True), total.s(), *[step for _ in range(9) for step in (layer(add, False), total.s())]).delay()),
    }
    size, result, send = sizes[shape]
    worker = subprocess.Popen([sys.executable, '-m', 'celery', '-A', 'celery_bench', 'worker', '-c', '2', '-l', 'ERROR', '--without-gossip', '--without-mingle', '--without-heartbeat'],
                              cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def once():
            value = send().get(timeout=120)
            assert value == result, value
        count = max(1, round(n / size))
        # The first waits for the worker to be there; as many again as are counted, so that it has run for a while, too.
        for _ in range(count):
            once()
        started = time.time()
        for _ in range(count):
            once()
        figures(count * size, started, 0)
    finally:
        worker.terminate()
        worker.wait()
