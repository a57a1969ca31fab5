-- A claim fixes the partition of its request. The next holder of the claim can then look for the
-- record in one partition, and a record written again lands behind the first.
ALTER TABLE idempotency_keys ADD COLUMN partition integer;

COMMENT ON COLUMN idempotency_keys.partition IS
    'Partition of the request in the topic of requests; null for a key claimed by an ingress of an '
    'earlier version.';
