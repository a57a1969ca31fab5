"""Events in the Confluent wire format, with schemas from the registry.

A value is a zero byte, the schema id in four bytes, big-endian, and the event in Avro binary.
"""

import io
import json
import struct
import urllib.request

import fastavro


class Events:
    """Encodes and decodes events. Fetches each schema once."""

    def __init__(self, registry):
        self.registry = registry
        self.schemas = {}

    def encode(self, topic, event):
        """Encodes an event with the latest schema of a topic."""
        latest = self._get(f"/subjects/{topic}-value/versions/latest")
        schema = self._parse(latest["id"], latest["schema"])
        value = io.BytesIO()
        value.write(struct.pack(">bI", 0, latest["id"]))
        fastavro.schemaless_writer(value, schema, event)
        return value.getvalue()

    def decode(self, value):
        """Decodes an event with the schema of its producer."""
        magic, schema_id = struct.unpack(">bI", value[:5])
        if magic != 0:
            raise ValueError(f"not in the Confluent wire format: magic byte {magic}")
        if schema_id not in self.schemas:
            self._parse(schema_id, self._get(f"/schemas/ids/{schema_id}")["schema"])
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), self.schemas[schema_id])

    def _get(self, path):
        with urllib.request.urlopen(self.registry + path, timeout=30) as response:
            return json.load(response)

    def _parse(self, schema_id, text):
        return self.schemas.setdefault(schema_id, fastavro.parse_schema(json.loads(text)))
