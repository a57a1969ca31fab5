"""Requests a computation over Kafka and prints the reply as JSON.

    produce.py factorial n=20
    produce.py pow base=-3 exponent=41

Kafka and the registry are those of ABACUS_KAFKA_BOOTSTRAP and ABACUS_REGISTRY_URL, printed by
`cargo xtask env`. The reply topic is created if missing. Its name must match the processor's setting
ABACUS_REPLY_TOPICS.
"""

import argparse
import json
import os
import struct
import sys
import time
import uuid
from datetime import datetime, timezone

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from events import Events

TIMEOUT = 60  # seconds


def parse_arguments():
    parser = argparse.ArgumentParser(description="Requests a computation over Kafka.")
    parser.add_argument("operation", help="name of the operation")
    parser.add_argument("operands", nargs="*", metavar="NAME=VALUE", help="operands")
    parser.add_argument("--topic", default="abacus.compute.requested.v1")
    parser.add_argument("--reply-topic", default="abacus.replies.example-python")
    return parser.parse_args()


def create_topic(bootstrap, topic):
    """Creates a topic of one partition, unless the topic exists."""
    # The request ends early if the client is dropped before the result.
    client = AdminClient({"bootstrap.servers": bootstrap})
    created = client.create_topics([NewTopic(topic, 1)])
    try:
        created[topic].result(TIMEOUT)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def consumer_at_end(bootstrap, topic):
    """A consumer of the replies. It starts at the current end and belongs to no group."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, 0, end_of(consumer, topic))])
    return consumer


def end_of(consumer, topic):
    """The end offset of partition 0. A new topic may take a moment to reach every broker."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=5)
            return end
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def send(bootstrap, topic, request_id, value, headers):
    """Writes one record and waits until Kafka has confirmed it."""
    # Idempotence prevents duplicates by retries of the client.
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    failures = []

    def note_failure(error, _):
        if error is not None:
            failures.append(error)

    producer.produce(
        topic, key=request_id, value=value, headers=headers, on_delivery=note_failure
    )
    if producer.flush(TIMEOUT) > 0 or failures:
        sys.exit(f"the request was not written: {failures}")


def wait_for_reply(consumer, correlation_id):
    """Returns the value of the reply with this correlation id."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        if dict(message.headers() or []).get("correlation-id") == correlation_id:
            return message.value()
    sys.exit(f"no reply within {TIMEOUT} s")


def main():
    arguments = parse_arguments()
    bootstrap = os.environ.get("ABACUS_KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    events = Events(os.environ.get("ABACUS_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7"))
    request_id = str(uuid.uuid4())
    request = {
        "request_id": request_id,
        "operation": arguments.operation,
        "operands": dict(operand.split("=", 1) for operand in arguments.operands),
        "requester": None,
        "source": "example-python",
        "requested_at": datetime.now(timezone.utc),
    }
    create_topic(bootstrap, arguments.reply_topic)
    # The consumer must have its position before the request is sent.
    consumer = consumer_at_end(bootstrap, arguments.reply_topic)
    correlation_id = uuid.uuid4().bytes
    headers = [
        ("correlation-id", correlation_id),
        ("reply-topic", arguments.reply_topic.encode()),
        ("reply-partition", struct.pack(">i", 0)),
    ]
    send(bootstrap, arguments.topic, request_id, events.encode(arguments.topic, request), headers)
    reply = events.decode(wait_for_reply(consumer, correlation_id))
    consumer.close()
    print(json.dumps(reply, default=str))


main()
