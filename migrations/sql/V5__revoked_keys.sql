-- Revoked keys are deleted a day later: each minute, every ingress looks for them.
CREATE INDEX api_keys_revoked ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;

COMMENT ON COLUMN api_keys.revoked_at IS
    'When the key was revoked; null while it is good. The row is deleted a day later.';
