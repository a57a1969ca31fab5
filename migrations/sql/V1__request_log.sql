-- The request log: one row for each requested and one for each completed event, insert-only, keyed
-- by the request's id, so that writing an event again changes nothing. The offsets that the events
-- were read up to stand beside them and move in the same transaction.

CREATE TABLE compute_requested (
    request_id      uuid        NOT NULL PRIMARY KEY,
    operation       text        NOT NULL,
    operands        jsonb       NOT NULL,
    requester       text,
    source          text        NOT NULL,
    requested_at    timestamptz NOT NULL,
    kafka_partition integer     NOT NULL,
    kafka_offset    bigint      NOT NULL
);

-- History is paged by (requested_at, request_id), of everybody or of one requester. Operands and
-- results are as large as the caller makes them and stay out of every index.
CREATE INDEX compute_requested_by_time ON compute_requested (requested_at, request_id);
CREATE INDEX compute_requested_by_requester
    ON compute_requested (requester, requested_at, request_id) WHERE requester IS NOT NULL;

COMMENT ON TABLE compute_requested IS
    'ComputeRequested events. Insert-only; the first event of a request id stands.';
COMMENT ON COLUMN compute_requested.request_id IS
    'Identity of the request everywhere; a UUID, usually of version 7, which sorts by time.';
COMMENT ON COLUMN compute_requested.operation IS
    'What to compute, such as pow; an open set of names.';
COMMENT ON COLUMN compute_requested.operands IS
    'Object of operand name to integer in decimal digits, as a string: numbers would lose digits.';
COMMENT ON COLUMN compute_requested.requester IS
    'Who asked; null if anonymous. Cut after 1000 bytes.';
COMMENT ON COLUMN compute_requested.source IS
    'Which way the request came in; http from the REST interface.';
COMMENT ON COLUMN compute_requested.requested_at IS
    'When the request was made, by the clock of whoever made it.';
COMMENT ON COLUMN compute_requested.kafka_partition IS
    'Partition of the requested topic that the event was read from.';
COMMENT ON COLUMN compute_requested.kafka_offset IS
    'Offset of the event in its partition.';

CREATE TABLE compute_completed (
    request_id      uuid        NOT NULL PRIMARY KEY,
    status          text        NOT NULL,
    result          text,
    digits          bigint,
    bits            bigint,
    error_code      text,
    error_message   text,
    completed_at    timestamptz NOT NULL,
    compute_micros  bigint      NOT NULL,
    cache           text        NOT NULL,
    processor       text        NOT NULL,
    kafka_partition integer     NOT NULL,
    kafka_offset    bigint      NOT NULL
);

-- Decimal digits hardly compress: pglz saves a quarter at six times the work, lz4 a twentieth.
-- Stored as they are they are also read in parts.
ALTER TABLE compute_completed ALTER COLUMN result SET STORAGE EXTERNAL;

CREATE INDEX compute_completed_by_time ON compute_completed (completed_at);

COMMENT ON TABLE compute_completed IS
    'ComputeCompleted events. Insert-only; the first event of a request id stands. May be here a '
    'moment before its request, as the two topics are read side by side.';
COMMENT ON COLUMN compute_completed.request_id IS
    'The request that this completes.';
COMMENT ON COLUMN compute_completed.status IS
    'succeeded or failed.';
COMMENT ON COLUMN compute_completed.result IS
    'The integer in decimal digits, up to millions of them; null if failed.';
COMMENT ON COLUMN compute_completed.digits IS
    'Decimal digits of the result, sign not counted; null if failed.';
COMMENT ON COLUMN compute_completed.bits IS
    'Bits of the magnitude of the result; null if failed.';
COMMENT ON COLUMN compute_completed.error_code IS
    'Stable machine-readable reason; null if succeeded.';
COMMENT ON COLUMN compute_completed.error_message IS
    'What is wrong and what to change; null if succeeded.';
COMMENT ON COLUMN compute_completed.completed_at IS
    'When the processor had the outcome.';
COMMENT ON COLUMN compute_completed.compute_micros IS
    'Microseconds spent computing; 0 from a cache.';
COMMENT ON COLUMN compute_completed.cache IS
    'Which cache answered: NONE, MEMORY or REDIS.';
COMMENT ON COLUMN compute_completed.processor IS
    'Instance id of the processor that answered.';
COMMENT ON COLUMN compute_completed.kafka_partition IS
    'Partition of the completed topic that the event was read from.';
COMMENT ON COLUMN compute_completed.kafka_offset IS
    'Offset of the event in its partition.';

CREATE TABLE projected_offsets (
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
);

COMMENT ON TABLE projected_offsets IS
    'Up to where each partition is in the log. Moves by compare-and-set in the transaction that '
    'writes the rows, so that each event is written once whoever reads the partition.';
COMMENT ON COLUMN projected_offsets.topic IS
    'The Kafka topic.';
COMMENT ON COLUMN projected_offsets.partition IS
    'The partition of the topic.';
COMMENT ON COLUMN projected_offsets.next_offset IS
    'Offset of the first event that is not in the log yet.';

CREATE VIEW request_log AS
SELECT requested.request_id,
       requested.operation,
       requested.operands,
       requested.requester,
       requested.source,
       requested.requested_at,
       completed.completed_at,
       coalesce(completed.status, 'pending') AS status,
       completed.result,
       completed.error_code,
       completed.error_message,
       completed.compute_micros,
       completed.cache,
       completed.digits,
       completed.bits,
       completed.processor
FROM compute_requested AS requested
LEFT JOIN compute_completed AS completed USING (request_id);

COMMENT ON VIEW request_log IS
    'Every request with its outcome, if there is one yet: the table to ask questions of.';
COMMENT ON COLUMN request_log.request_id IS
    'Identity of the request everywhere.';
COMMENT ON COLUMN request_log.operation IS
    'What to compute, such as pow.';
COMMENT ON COLUMN request_log.operands IS
    'Object of operand name to integer in decimal digits, as a string.';
COMMENT ON COLUMN request_log.requester IS
    'Who asked; null if anonymous.';
COMMENT ON COLUMN request_log.source IS
    'Which way the request came in; http from the REST interface.';
COMMENT ON COLUMN request_log.requested_at IS
    'When the request was made.';
COMMENT ON COLUMN request_log.completed_at IS
    'When the processor had the outcome; null while pending.';
COMMENT ON COLUMN request_log.status IS
    'pending, succeeded or failed.';
COMMENT ON COLUMN request_log.result IS
    'The integer in decimal digits; null unless succeeded. Can be megabytes: select it by id, and '
    'digits or left(result, 60) in lists.';
COMMENT ON COLUMN request_log.error_code IS
    'Stable machine-readable reason; null unless failed.';
COMMENT ON COLUMN request_log.error_message IS
    'What is wrong and what to change; null unless failed.';
COMMENT ON COLUMN request_log.compute_micros IS
    'Microseconds spent computing; 0 from a cache, null while pending.';
COMMENT ON COLUMN request_log.cache IS
    'Which cache answered: NONE, MEMORY or REDIS; null while pending.';
COMMENT ON COLUMN request_log.digits IS
    'Decimal digits of the result, sign not counted; null unless succeeded.';
COMMENT ON COLUMN request_log.bits IS
    'Bits of the magnitude of the result; null unless succeeded.';
COMMENT ON COLUMN request_log.processor IS
    'Instance id of the processor that answered; null while pending.';
