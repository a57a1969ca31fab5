"""A client independent of the services: requests over Kafka, with confluent-kafka and fastavro.

Reads a job as JSON from standard input, produces the requests in the Confluent wire format, waits for
the expected number of replies, and writes the decoded replies to standard output.

    bootstrap, registry   addresses of the servers
    topic                 topic of the requests
    schema                schema to register for the requests; null for the latest registered schema
    reply_topic           topic of the replies; null for none
    headers               names of the headers for correlation id, reply topic and reply partition
    reply_partition       partition of the replies; null leaves the choice to the processor
    requests              list of {correlation_id, event}
    replies               number of replies to wait for
"""

import io
import json
import struct
import sys
import time
import urllib.request

import fastavro
from confluent_kafka import Consumer, Producer, TopicPartition

PATIENCE = 60


class Registry:
    def __init__(self, url):
        self.url = url

    def call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def latest(self, subject):
        found = self.call(f"/subjects/{subject}/versions/latest")
        return found["id"], fastavro.parse_schema(json.loads(found["schema"]))

    def register(self, subject, schema):
        found = self.call(f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})
        return found["id"], fastavro.parse_schema(schema)

    def by_id(self, schema_id):
        return fastavro.parse_schema(json.loads(self.call(f"/schemas/ids/{schema_id}")["schema"]))


def at_the_end_of(topic, bootstrap):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "direct-client"})
    partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    ends = []
    for number in partitions:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
        ends.append(TopicPartition(topic, number, end))
    consumer.assign(ends)
    return consumer


def to_headers(job, correlation_id):
    if job["reply_topic"] is None:
        return []
    names = job["headers"]
    headers = [(names[0], correlation_id.encode()), (names[1], job["reply_topic"].encode())]
    if job["reply_partition"] is not None:
        headers.append((names[2], struct.pack(">i", job["reply_partition"])))
    return headers


def produce(job, schema_id, schema):
    producer = Producer({"bootstrap.servers": job["bootstrap"]})
    for request in job["requests"]:
        value = io.BytesIO()
        value.write(struct.pack(">bI", 0, schema_id))
        fastavro.schemaless_writer(value, schema, request["event"])
        headers = to_headers(job, request["correlation_id"])
        producer.produce(job["topic"], value=value.getvalue(), headers=headers)
    assert producer.flush(30) == 0, "some requests were not written"


def decode(message, registry):
    magic, schema_id = struct.unpack(">bI", message.value()[:5])
    assert magic == 0, f"magic byte {magic}"
    body = io.BytesIO(message.value()[5:])
    event = fastavro.schemaless_reader(body, registry.by_id(schema_id))
    assert not body.read(), "bytes follow the event"
    headers = {name: value.decode() for name, value in message.headers() or []}
    return {"partition": message.partition(), "headers": headers, "event": event}


def main():
    job = json.load(sys.stdin)
    registry = Registry(job["registry"])
    subject = job["topic"] + "-value"
    known = registry.register(subject, job["schema"]) if job["schema"] else registry.latest(subject)
    consumer = at_the_end_of(job["reply_topic"], job["bootstrap"]) if job["reply_topic"] else None
    produce(job, *known)
    replies = []
    deadline = time.monotonic() + PATIENCE
    while len(replies) < job["replies"] and time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            replies.append(decode(message, registry))
    json.dump({"schema_id": known[0], "replies": replies}, sys.stdout, default=str)


main()
