-- Keys by which callers may send a request again without computing it again. Whoever inserts a row,
-- or takes over one whose lease is over, writes the request; all others wait for its result.

CREATE TABLE idempotency_keys (
    requester    text        NOT NULL,
    key          text        NOT NULL,
    fingerprint  bytea       NOT NULL,
    request_id   uuid        NOT NULL,
    requested_at timestamptz NOT NULL,
    leased_until timestamptz NOT NULL,
    written_at   timestamptz,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (requester, key)
);

CREATE UNIQUE INDEX idempotency_keys_by_request ON idempotency_keys (request_id);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);

COMMENT ON TABLE idempotency_keys IS
    'Idempotency keys: one request for each key of each requester, until the key expires.';
COMMENT ON COLUMN idempotency_keys.requester IS
    'Whose key it is.';
COMMENT ON COLUMN idempotency_keys.key IS
    'The Idempotency-Key header, 1 to 255 characters.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS
    'SHA-256 of what is computed, in normal form; the same key with another is refused.';
COMMENT ON COLUMN idempotency_keys.request_id IS
    'The request that the key stands for.';
COMMENT ON COLUMN idempotency_keys.requested_at IS
    'When the request was first made; the event says the same, also if another instance writes it.';
COMMENT ON COLUMN idempotency_keys.leased_until IS
    'Until when whoever claimed the key may write the request; unwritten after it, the next may.';
COMMENT ON COLUMN idempotency_keys.written_at IS
    'When the event log had confirmed the request; null until then.';
COMMENT ON COLUMN idempotency_keys.expires_at IS
    'From when on the key is free for another request.';
