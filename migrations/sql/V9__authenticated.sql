-- Requester and source of a request are claims of its producer. An ingress signs its requests, and
-- the projector checks the signature: only signed requests belong to the account that they name.
--
-- Earlier rows have no signature: as far as is known, the ingress wrote those with its source.
ALTER TABLE compute_requested ADD COLUMN authenticated boolean NOT NULL DEFAULT true;
UPDATE compute_requested SET authenticated = false WHERE source <> 'http';
ALTER TABLE compute_requested ALTER COLUMN authenticated SET DEFAULT false;

DROP INDEX compute_requested_by_requester;
CREATE INDEX compute_requested_by_requester
    ON compute_requested (requester, recorded_at, request_id)
    WHERE authenticated AND requester IS NOT NULL;

COMMENT ON COLUMN compute_requested.authenticated IS
    'true if the record has the signature of an ingress. Otherwise requester and source are claims '
    'of an unknown producer.';
COMMENT ON COLUMN compute_requested.requester IS
    'Account of the request; null if anonymous. A claim unless authenticated. Cut after 1000 bytes.';
COMMENT ON COLUMN compute_requested.source IS
    'Way of the request: http for a signed request of the ingress; otherwise the name that the '
    'producer chose, or kafka for a producer that calls itself http.';

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
       requested.recorded_at,
       requested.authenticated
FROM compute_requested AS requested
LEFT JOIN compute_completed AS completed
    ON completed.request_id = requested.request_id
    AND (completed.content_digest = requested.content_digest
         OR requested.content_digest IS NULL
         OR completed.content_digest = '');

COMMENT ON COLUMN request_log.requester IS
    'Account of the request; null if anonymous. A claim unless authenticated.';
COMMENT ON COLUMN request_log.source IS
    'Way of the request: http from the REST interface; otherwise named by the producer.';
COMMENT ON COLUMN request_log.authenticated IS
    'true if the record has the signature of an ingress.';
