"""Kombu's side of redis-layout.test.ts: one act a run, told by arguments, answered as JSON on stdout."""
import json
import os
import sys

from kombu import Connection, Consumer, Exchange, Producer, Queue

act, url, options, args = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
connection = Connection(url, transport_options=options)
channel = connection.default_channel


def told(message):
    return {
        "body": message.payload,
        "headers": message.headers,
        "priority": message.properties.get("priority"),
        "route": [message.delivery_info["exchange"], message.delivery_info["routing_key"]],
        "correlation_id": message.properties.get("correlation_id"),
    }


def answer(value):
    print(json.dumps(value), flush=True)


if act == "send":
    for one in args:
        exchange = Exchange(one.get("exchange", ""), one.get("type", "direct"))
        producer = Producer(channel, exchange)
        declare = [Queue(one["queue"], exchange, one["routing_key"])] if one.get("queue") else []
        producer.publish(one["body"], exchange=exchange, routing_key=one["routing_key"], declare=declare,
                         priority=one.get("priority", 0), headers=one.get("headers", {}), correlation_id="cid", serializer="json")
    answer(len(args))
elif act == "take":
    queue = Queue(args["queue"])(channel)
    taken = []
    while (message := queue.get()) is not None:
        taken.append(told(message))
        message.ack()
    answer(taken)
elif act == "hold":
    # Dies with the message in its hands, as after kill -9.
    queue = Queue(args["queue"], Exchange(args.get("exchange", "")), args.get("routing_key", args["queue"]))(channel)
    if args.get("exchange"):
        queue.declare()
    answer(told(queue.get()))
    os._exit(0)
elif act == "restore":
    channel.qos.restore_visible(num=args["num"], interval=1)
    answer("done")
elif act == "bind":
    Queue(args["queue"], Exchange(args["exchange"], args["type"]), args["routing_key"], expires=args.get("expires"))(channel).declare()
    answer("done")
elif act == "hear":
    heard = []
    queue = Queue("hearer", Exchange(args["exchange"], "fanout"), args["routing_key"], auto_delete=True)
    with Consumer(channel, [queue], callbacks=[lambda _, message: (heard.append(told(message)), message.ack())]):
        answer("listening")
        while len(heard) < args["count"]:
            connection.drain_events(timeout=10)
    answer(heard)
