"""confluent-kafka with Confluent's serializers: asks for the square of a googol.

    ask.py none gzip snappy lz4 zstd

Asks once for each named codec, and prints each reply as a line of JSON.
"""

import json
import os
import sys
import uuid
from datetime import datetime, timezone

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

KAFKA = {"bootstrap.servers": os.environ.get("ABACUS_KAFKA_BOOTSTRAP", "127.0.0.1:9092")}
REGISTRY = os.environ.get("ABACUS_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7")
REQUEST_TOPIC = os.environ.get("ABACUS_REQUEST_TOPIC", "abacus.compute.requested.v1")
REPLY_TOPIC = os.environ.get("ABACUS_REPLY_TOPIC", "abacus.replies.example")
TIMEOUT = 30  # seconds

GOOGOL = "1" + "0" * 100


def ask(codec, serialize, deserialize):
    """Asks with a producer of this codec, and returns the reply."""
    request = {
        "request_id": str(uuid.uuid4()),
        "operation": "pow",
        "operands": {"base": GOOGOL, "exponent": "2"},
        "requester": None,
        "source": "python",
        "requested_at": datetime.now(timezone.utc),
    }
    correlation_id = uuid.uuid4().bytes
    headers = {"correlation-id": correlation_id, "reply-topic": REPLY_TOPIC.encode()}
    # The position of the consumer must be known before the request is sent.
    replies = consumer_at_end()
    producer = Producer(KAFKA | {"enable.idempotence": True, "compression.type": codec})
    value = serialize(request, SerializationContext(REQUEST_TOPIC, MessageField.VALUE))
    producer.produce(REQUEST_TOPIC, key=request["request_id"], value=value, headers=headers)
    if producer.flush(TIMEOUT) > 0:
        sys.exit("the request was not written")
    while message := replies.poll(TIMEOUT):
        if message.error():
            sys.exit(message.error())
        if ("correlation-id", correlation_id) in (message.headers() or []):
            replies.close()
            return deserialize(message.value(), None)
    sys.exit(f"no reply within {TIMEOUT} s")


def consumer_at_end():
    """A consumer of all replies from now on. It belongs to no group."""
    consumer = Consumer(KAFKA | {"group.id": "unused", "enable.auto.commit": False})
    partitions = consumer.list_topics(REPLY_TOPIC, TIMEOUT).topics[REPLY_TOPIC].partitions
    positions = [TopicPartition(REPLY_TOPIC, partition) for partition in partitions]
    for position in positions:
        _, position.offset = consumer.get_watermark_offsets(position, TIMEOUT)
    consumer.assign(positions)
    return consumer


def main():
    registry = SchemaRegistryClient({"url": REGISTRY})
    # A deploy step registers the schemas. A producer only looks up the latest one.
    settings = {"auto.register.schemas": False, "use.latest.version": True}
    serialize = AvroSerializer(registry, conf=settings)
    deserialize = AvroDeserializer(registry)
    for codec in sys.argv[1:] or ["none"]:
        print(json.dumps(ask(codec, serialize, deserialize), default=str))


main()
