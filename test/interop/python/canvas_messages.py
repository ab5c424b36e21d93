"""Builds workflows with Celery and says what it would send: one JSON command a line in, one answer a line out. Nothing is sent."""
import contextlib
import json
import sys
import warnings

from celery import Celery, chain, chord, group
from celery._state import _task_stack
from celery.canvas import StampingVisitor
from celery.exceptions import Ignore
from celery.result import GroupResult

warnings.simplefilter("ignore")
app = Celery("proj", broker="memory://", backend="cache+memory://")
seen = []


@app.task(name="proj.add")
def add(*args):
    pass


@app.task(name="proj.tsum")
def tsum(*args):
    pass


class Connection:
    def _reraise_as_library_errors(self):
        return contextlib.nullcontext()


class Producer:
    connection = Connection()


@contextlib.contextmanager
def acquire(*args, **kwargs):
    yield Producer()


def tuple_of(result):
    """A result tuple without parents."""
    members = [tuple_of(one) for one in result.results] if isinstance(result, GroupResult) else None
    return [[result.id, None], members]


def node(result):
    if result is None:
        return None
    children = [node(one) for one in result.results] if isinstance(result, GroupResult) else None
    return {"id": result.id, "parent": node(result.parent), "children": children}


def apply_chord(header_result_args, body, **kwargs):
    """As the Redis backend: a header that holds groups is saved."""
    group_id, results = header_result_args
    results = list(results)
    if any(isinstance(one, GroupResult) for one in results):
        seen.append({"saved": {"groupId": group_id, "tree": [[group_id, None], [tuple_of(one) for one in results]]}})


def send(producer, name, message, **options):
    headers, properties, body, sent_event = message
    args, kwargs, embed = body
    names = ["task", "id", "group", "group_index", "root_id", "parent_id", "eta", "replaced_task_nesting"]
    stamped = headers.get("stamped_headers") or []
    shown = {name: headers.get(name) for name in names}
    shown["stamps"] = {name: headers["stamps"][name] for name in stamped}
    queue = options.get("queue")
    seen.append({"message": {**shown, "queue": getattr(queue, "name", queue), "args": args, "kwargs": kwargs, "embed": embed}})


app.producer_or_acquire = acquire
app.backend.apply_chord = apply_chord
app.backend.ensure_chords_allowed = lambda: None
app.backend.set_chord_size = lambda group_id, size: seen.append({"size": [group_id, size]})
type(app.amqp).send_task_message = property(lambda self: send)


@contextlib.contextmanager
def running(parent):
    """As if a task called it."""
    if parent is None:
        yield
        return
    add.push_request(id=parent["id"], root_id=parent["rootId"], called_directly=False, children=[])
    _task_stack.push(add)
    try:
        yield
    finally:
        _task_stack.pop()
        add.pop_request()


class Visitor(StampingVisitor):
    """Stamps every part with how it was met."""

    def __init__(self, hooks):
        self.hooks = hooks

    def on_signature(self, sig, **headers):
        return dict(self.hooks.get("signature", {}))

    def on_group_start(self, sig, **headers):
        return dict(self.hooks["group"]) if "group" in self.hooks else super().on_group_start(sig, **headers)

    def on_chain_start(self, sig, **headers):
        return dict(self.hooks["chain"]) if "chain" in self.hooks else super().on_chain_start(sig, **headers)

    def on_chord_header_start(self, sig, **headers):
        return dict(self.hooks["header"]) if "header" in self.hooks else super().on_chord_header_start(sig, **headers)

    def on_chord_body(self, sig, **headers):
        return dict(self.hooks["body"]) if "body" in self.hooks else super().on_chord_body(sig, **headers)

    def on_callback(self, sig, **headers):
        return dict(self.hooks["callback"]) if "callback" in self.hooks else super().on_callback(sig, **headers)

    def on_errback(self, sig, **headers):
        return dict(self.hooks["errback"]) if "errback" in self.hooks else super().on_errback(sig, **headers)


def build(tree):
    kind = tree["k"]
    if kind == "task":
        made = app.signature("proj." + tree["name"], args=tuple(tree["args"]), immutable=tree.get("immutable", False))
    elif kind == "chain":
        made = chain(*[build(one) for one in tree["of"]])
    elif kind == "group":
        made = group([build(one) for one in tree["of"]])
    elif kind == "chord":
        made = chord([build(one) for one in tree["of"]], build(tree["body"]))
    else:
        made = build(tree["left"]) | build(tree["right"])
    if "set" in tree:
        made.set(**tree["set"])
    if "link" in tree:
        made.link(build(tree["link"]))
    if "errback" in tree:
        made.link_error(build(tree["errback"]))
    for stamps in tree.get("stamps", []):
        visitor = Visitor(stamps["visitor"]) if "visitor" in stamps else None
        made.stamp(visitor, append_stamps=stamps.get("append", False), **stamps.get("with", {}))
    return made


def carry_out(command):
    if "build" in command:
        return {"signature": build(command["build"])}
    if "replace" in command:
        return replaced(app.signature(command["replace"]), command["request"])
    made = app.signature(command["signature"])
    with running(command.get("parent")):
        result = made.apply_async(tuple(command["args"]), **command["options"])
    return {"result": node(result), "seen": list(seen)}


def replaced(by, request):
    """What a running task sends that is replaced."""
    add.push_request(called_directly=False, is_eager=False, children=[], **request)
    _task_stack.push(add)
    try:
        add.replace(by)
    except Ignore:
        return {"result": None, "seen": list(seen)}
    finally:
        _task_stack.pop()
        add.pop_request()


for line in sys.stdin:
    seen.clear()
    try:
        answer = carry_out(json.loads(line))
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer, default=lambda value: list(value) if isinstance(value, set) else str(value)), flush=True)
