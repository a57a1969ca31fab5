-- The time in a request is a claim of its producer, and any producer may write any time. Lists are
-- sorted and paged by recorded_at: the claimed time, moved to within a tolerance of the time at
-- which Kafka appended the record.
ALTER TABLE compute_requested ADD COLUMN recorded_at timestamptz;

-- For earlier rows the append time is unknown. They cannot be later than now.
UPDATE compute_requested
SET recorded_at = greatest(least(requested_at, now()), timestamptz '0001-01-01 00:00:00Z');

ALTER TABLE compute_requested
    ALTER COLUMN recorded_at SET DEFAULT now(),
    ALTER COLUMN recorded_at SET NOT NULL;

UPDATE compute_completed
SET completed_at = greatest(least(completed_at, timestamptz '9999-12-31 23:59:59.999999Z'),
                            timestamptz '0001-01-01 00:00:00Z')
WHERE completed_at > timestamptz '9999-12-31 23:59:59.999999Z'
   OR completed_at < timestamptz '0001-01-01 00:00:00Z';

DROP INDEX compute_requested_by_time;
DROP INDEX compute_requested_by_requester;
CREATE INDEX compute_requested_by_time ON compute_requested (recorded_at, request_id);
CREATE INDEX compute_requested_by_requester
    ON compute_requested (requester, recorded_at, request_id) WHERE requester IS NOT NULL;

-- Whether the log is behind is asked once a second: the answer stands beside the offsets.
ALTER TABLE projected_offsets ADD COLUMN newest_request timestamptz;

UPDATE projected_offsets
SET newest_request = (SELECT max(recorded_at) FROM compute_requested);

COMMENT ON COLUMN compute_requested.requested_at IS
    'Time of the request by the clock of its producer, as claimed: any time of the calendar.';
COMMENT ON COLUMN compute_requested.recorded_at IS
    'requested_at, moved to within ABACUS_CLOCK_TOLERANCE of the time at which Kafka appended the '
    'record. Lists are sorted by this time.';
COMMENT ON COLUMN projected_offsets.newest_request IS
    'Time of the newest request of the partition in the log, never after the time at which Kafka '
    'appended the record; null for a partition without requests.';

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
LEFT JOIN compute_completed AS completed USING (request_id);

COMMENT ON COLUMN request_log.requested_at IS
    'Time of the request by the clock of its producer, as claimed.';
COMMENT ON COLUMN request_log.recorded_at IS
    'Time of the request, bounded by the time at which Kafka appended the record: sort by this.';
