-- Corrects two comments.

COMMENT ON COLUMN projected_offsets.newest_request IS
    'Time of the newest request of the partition in the log; of an unsigned request, never after the '
    'time at which Kafka appended the record. Null for a partition without requests.';
COMMENT ON TABLE request_conflicts IS
    'Requests whose id another request with different content had before. One request of an id stands '
    'in the log: the first, or a later signed request in place of an unsigned one. compute_completed '
    'has the results of all, by digest.';
