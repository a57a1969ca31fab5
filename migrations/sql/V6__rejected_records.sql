-- Records that the request log cannot hold. The projector puts each aside here, in the transaction
-- that moves the offset past the record, and goes on with the next record.
CREATE TABLE rejected_records (
    rejection_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic           text        NOT NULL,
    kafka_partition integer     NOT NULL,
    kafka_offset    bigint      NOT NULL,
    request_id      uuid,
    reason          text        NOT NULL,
    detail          text        NOT NULL,
    rejected_at     timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX rejected_records_by_request ON rejected_records (request_id);

COMMENT ON TABLE rejected_records IS
    'Valid records without a row in the request log. The record itself stays in Kafka for the '
    'retention time of its topic.';
COMMENT ON COLUMN rejected_records.rejection_id IS
    'Identity of the row, rising with time.';
COMMENT ON COLUMN rejected_records.topic IS
    'Topic of the record.';
COMMENT ON COLUMN rejected_records.kafka_partition IS
    'Partition of the record.';
COMMENT ON COLUMN rejected_records.kafka_offset IS
    'Offset of the record.';
COMMENT ON COLUMN rejected_records.request_id IS
    'Request id in the record; null if unknown.';
COMMENT ON COLUMN rejected_records.reason IS
    'too-large: the row is larger than ABACUS_MAX_ROW; refused: Postgres refused a value; '
    'unwritable: each write of the row failed, and Postgres answered in between.';
COMMENT ON COLUMN rejected_records.detail IS
    'Size of the row, or the error of Postgres.';
COMMENT ON COLUMN rejected_records.rejected_at IS
    'Time of the rejection.';
