"""Reads completed events and prints each as one line of JSON.

    completed.py --count 10

Every request has exactly one completion for readers with isolation.level=read_committed. The consumer
group stores the offsets, so a later run continues after the last printed event. Kafka and the registry
are those of ABACUS_KAFKA_BOOTSTRAP and ABACUS_REGISTRY_URL, printed by `cargo xtask env`.
"""

import argparse
import json
import os
import time

from confluent_kafka import Consumer, KafkaException

from events import Events


def parse_arguments():
    parser = argparse.ArgumentParser(description="Reads completed events.")
    parser.add_argument("--count", type=int, help="number of events to read [default: no end]")
    parser.add_argument("--idle", type=float, help="end after this many seconds without an event")
    parser.add_argument("--group", default="example-python-completed", help="consumer group")
    parser.add_argument("--topic", default="abacus.compute.completed.v1")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    events = Events(os.environ.get("ABACUS_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7"))
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ.get("ABACUS_KAFKA_BOOTSTRAP", "127.0.0.1:9092"),
            "group.id": arguments.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            # Without this, a reader also sees completions of aborted transactions.
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([arguments.topic])
    try:
        read, last = 0, time.monotonic()
        while arguments.count is None or read < arguments.count:
            message = consumer.poll(1.0)
            if message is None:
                if arguments.idle is not None and time.monotonic() - last > arguments.idle:
                    break
                continue
            if message.error():
                raise KafkaException(message.error())
            print(json.dumps(events.decode(message.value()), default=str), flush=True)
            # The offset is committed after the work: a crash repeats an event and loses none.
            consumer.commit(message, asynchronous=False)
            read, last = read + 1, time.monotonic()
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


main()
