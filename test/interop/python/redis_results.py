"""Celery's side of redis-results.test.ts: one act a run, told by arguments, answered as JSON on stdout."""
import json
import sys

from celery import Celery

act, url, options, args = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
app = Celery("capture", broker="memory://", backend=url)
app.conf.result_backend_transport_options = options
backend = app.backend


def answer(value):
    print(json.dumps(value), flush=True)


if act == "store":
    backend.store_result(args["id"], args["result"], args["state"])
    answer("done")
elif act == "read":
    result = app.AsyncResult(args["id"])
    answer([result.state, result.result if result.state != "FAILURE" else repr(result.result)])
elif act == "wait":
    result = app.AsyncResult(args["id"])
    backend.result_consumer.start(args["id"])
    answer("waiting")
    answer(result.get(timeout=15))
elif act == "group":
    answer(backend.restore_group(args["id"]).as_tuple())
elif act == "part":
    key = {name: backend.get_key_for_group(args["group"], name) for name in (".j", ".t", ".s", ".d", "", ".c")}
    count, extra, size, claimed = backend._chord_part_return_script(
        keys=[key[".j"], key[".t"], key[".s"], key[".d"], key[""], key[".c"]],
        args=[args["id"], backend.encode([1, args["id"], args["state"], args["result"]]), 1, args["index"], 86400, 86400, 6, "python"],
        client=backend.client)
    parts = [backend.decode(part) for part in backend.client.zrange(key[".j"], 0, -1)] if claimed else []
    if claimed and args.get("finish"):
        backend._chord_cleanup_script(keys=[key[".c"], key[".j"], key[".t"], key[".s"], key[".d"]], args=["python", 300], client=backend.client)
    answer([count, int(size or -1), claimed, parts])
