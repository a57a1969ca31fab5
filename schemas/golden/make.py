"""Writes the golden records with fastavro, an encoder that is independent of the Rust code.

    pip install fastavro && python golden/make.py

Each file holds an event as JSON, and its Avro binary in hex, written with the released schema in the
file name. Golden files of a released version never change; a new version adds files.
"""

import io
import json
import pathlib

import fastavro

HERE = pathlib.Path(__file__).parent
REQUEST = {
    "request_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "operation": "pow",
    "operands": {"base": "-2", "exponent": "3"},
    "requester": "alice",
    "source": "http",
    "requested_at": 1_700_000_000_123_456,
}
ANONYMOUS = {
    **REQUEST,
    "operation": "fibonacci",
    "operands": {"n": "10"},
    "requester": None,
    "source": "unknown",
}
COMPLETED = {"completed_at": 1_700_000_000_125_000, "processor": "processor-1"}
RECORDS = {
    "ComputeRequested.1.named": REQUEST,
    "ComputeRequested.1.anonymous": ANONYMOUS,
    "ComputeCompleted.1.succeeded": {
        **ANONYMOUS,
        **COMPLETED,
        "outcome": ("abacus.compute.v1.Succeeded", {"result": "55", "digits": 2, "bits": 6}),
        "compute_micros": 7,
        "cache": "NONE",
    },
    "ComputeCompleted.1.cached": {
        **REQUEST,
        **COMPLETED,
        "outcome": ("abacus.compute.v1.Succeeded", {"result": "-8", "digits": 1, "bits": 4}),
        "compute_micros": 0,
        "cache": "REDIS",
    },
    "ComputeCompleted.1.failed": {
        **REQUEST,
        **COMPLETED,
        "operands": {},
        "outcome": (
            "abacus.compute.v1.Failed",
            {"code": "missing-operand", "message": "Give the operand base."},
        ),
        "compute_micros": 0,
        "cache": "MEMORY",
    },
}


def as_serde(record):
    """Returns the record in the JSON form of the Rust type: enum variants by name."""
    if "outcome" not in record:
        return record
    variant, fields = record["outcome"]
    return {**record, "outcome": {variant.rsplit(".", 1)[1]: fields}}


for name, record in RECORDS.items():
    event, version, _ = name.split(".")
    schema = json.loads((HERE.parent / f"released/{event}.{version}.avsc").read_text())
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    golden = {"event": as_serde(record), "avro": out.getvalue().hex()}
    (HERE / f"{name}.json").write_text(json.dumps(golden, indent=2) + "\n")
