"""A Python producer of trees: one JSON command a line in, one JSON answer a line out. The twin of ../driver.ts."""
import functools
import json
import operator
import sys
import traceback

from celery import chain, chord, group
from celery.exceptions import TimeoutError
from celery.result import GroupResult, result_from_tuple
from diff_tasks import app, one, sending, two


def build(tree, plan):
    kind = tree['kind']
    if kind == 'call':
        kwargs = {'tag': tree['tag'], 'run': plan['run']}
        if 'times' in tree:
            kwargs['times'] = tree['times']
        made = app.signature('diff.' + tree['task'], args=tuple(tree['args']), kwargs=kwargs,
                             task_id=plan['ids'][tree['tag']], immutable=tree.get('immutable', False))
        return linked(made, tree, plan)
    if kind == 'chain':
        steps = [build(step, plan) for step in tree['steps']]
        return linked(functools.reduce(operator.or_, steps) if tree['by'] == 'pipe' else chain(*steps), tree, plan)
    if kind == 'group':
        return group([build(member, plan) for member in tree['members']])
    if kind == 'chord':
        header, body = [build(member, plan) for member in tree['header']], build(tree['body'], plan)
        return linked(group(header) | body if tree['by'] == 'pipe' else chord(header, body), tree, plan)
    if kind == 'map':
        return one.map(tree['rows']).set(task_id=plan['ids'][tree['tag']])
    if kind == 'starmap':
        return two.starmap(tree['rows']).set(task_id=plan['ids'][tree['tag']])
    return two.chunks(tree['rows'], tree['size']).group()


def linked(signature, tree, plan):
    for link in tree.get('link', ()):
        signature.link(build(link, plan))
    for errback in tree.get('errbacks', ()):
        signature.link_error(build(errback, plan))
    return signature


def send(command):
    sending['queue'] = command['queue']
    tuples = []
    for plan in command['plans']:
        try:
            tuples.append({'tuple': build(plan['tree'], plan).apply_async().as_tuple()})
        except Exception as exc:
            tuples.append({'refused': type(exc).__name__, 'why': traceback.format_exc()})
    return tuples


def views(command):
    return [None if t is None else view(lambda: result_from_tuple(t, app)) for t in command['tuples']]


def view(handle):
    def outcome(propagate):
        try:
            return plain(handle().get(timeout=0, propagate=propagate))
        except TimeoutError:
            return 'pending'
        except Exception as exc:
            return ['raised', plain(exc)]
    result = handle()
    seen = {'value': outcome(False), 'raised': outcome(True), 'flags': [result.ready(), result.successful(), result.failed()]}
    if isinstance(result, GroupResult):
        seen['completed'] = result.completed_count()
    return seen


def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {'error': type(value).__name__, 'args': [str(a) for a in value.args]} if isinstance(value, BaseException) else value


commands = {'send': send, 'views': views}
print('ready', flush=True)
for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {'ok': commands[command['do']](command)}
    except Exception:  # the test shows it
        answer = {'error': traceback.format_exc()}
    print(json.dumps(answer), flush=True)
