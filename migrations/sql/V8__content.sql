-- A request id is a choice of its producer. Two producers may use one id for different computations,
-- and the log must not show the operands of one with the result of the other. Request and completion
-- both have the digest of the computation, and the view joins rows with equal digests only. The
-- earlier rows have the empty digest.
ALTER TABLE compute_requested ADD COLUMN content_digest bytea DEFAULT '';
ALTER TABLE compute_completed ADD COLUMN content_digest bytea NOT NULL DEFAULT '';

-- Requests without a completion take the next one.
UPDATE compute_requested AS requested SET content_digest = NULL
WHERE NOT EXISTS (SELECT FROM compute_completed AS completed
                  WHERE completed.request_id = requested.request_id);

ALTER TABLE compute_completed DROP CONSTRAINT compute_completed_pkey;
ALTER TABLE compute_completed ADD PRIMARY KEY (request_id, content_digest);

CREATE TABLE request_conflicts (
    request_id      uuid        NOT NULL,
    content_digest  bytea       NOT NULL,
    kafka_partition integer     NOT NULL,
    kafka_offset    bigint      NOT NULL,
    noticed_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (request_id, content_digest)
);

COMMENT ON TABLE request_conflicts IS
    'Requests whose id another request with different content had before. The first request of an '
    'id stands in the log; compute_completed has the results of all, by digest.';
COMMENT ON COLUMN request_conflicts.request_id IS
    'The request id of both.';
COMMENT ON COLUMN request_conflicts.content_digest IS
    'Digest of the later request; compute_requested has the digest of the first.';
COMMENT ON COLUMN request_conflicts.kafka_partition IS
    'Partition of the later request in the requested topic.';
COMMENT ON COLUMN request_conflicts.kafka_offset IS
    'Offset of the later request.';
COMMENT ON COLUMN request_conflicts.noticed_at IS
    'Time at which the projector read the later request.';
COMMENT ON TABLE compute_completed IS
    'ComputeCompleted events. Insert-only; the first event of a request id and content stands. May '
    'be here a moment before its request, as the two topics are read side by side.';
COMMENT ON COLUMN compute_requested.content_digest IS
    'First 16 bytes of the SHA-256 of operation, operands, requester and source. Empty for rows '
    'from before this column, null if such a row had no completion.';
COMMENT ON COLUMN compute_completed.content_digest IS
    'Digest as in compute_requested, of the request that the event repeats.';

CREATE OR REPLACE VIEW request_log AS
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
       completed.processor,
       requested.recorded_at
FROM compute_requested AS requested
LEFT JOIN compute_completed AS completed
    ON completed.request_id = requested.request_id
    AND (completed.content_digest = requested.content_digest
         OR requested.content_digest IS NULL
         OR completed.content_digest = '');
