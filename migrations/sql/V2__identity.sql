-- Who may ask: accounts, their API keys, what was ended before its time, and who did what. The event
-- log knows accounts by their name, which never changes and is never given away again: accounts are
-- disabled, not deleted.

CREATE TABLE users (
    user_id       uuid        NOT NULL PRIMARY KEY,
    name          text        NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{2,63}$'),
    role          text        NOT NULL CHECK (role IN ('user', 'admin')),
    password_hash text        NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    generation    bigint      NOT NULL DEFAULT 1 CHECK (generation > 0),
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz
);

-- "Is there another administrator?" is asked at each change of a role.
CREATE INDEX users_administrators ON users (user_id) WHERE role = 'admin' AND disabled_at IS NULL;

COMMENT ON TABLE users IS
    'Accounts. Never deleted: a name stands for the same person in the request log for ever.';
COMMENT ON COLUMN users.user_id IS
    'Identity of the account in tokens and here; a UUID of version 7.';
COMMENT ON COLUMN users.name IS
    'What the account is called, in lower case; requester in the request log. Never changes.';
COMMENT ON COLUMN users.role IS
    'user or admin.';
COMMENT ON COLUMN users.password_hash IS
    'Argon2id in the PHC string format, with its own salt and parameters.';
COMMENT ON COLUMN users.generation IS
    'Counts the changes that end sessions: a token carries the generation it was given in, and one '
    'of an older generation is refused.';
COMMENT ON COLUMN users.created_at IS
    'When the account was made.';
COMMENT ON COLUMN users.disabled_at IS
    'When the account was disabled; null if it is not.';

CREATE TABLE api_keys (
    key_id        uuid        NOT NULL PRIMARY KEY,
    user_id       uuid        NOT NULL REFERENCES users,
    label         text        NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    secret_sha256 bytea       NOT NULL CHECK (length(secret_sha256) = 32),
    created_at    timestamptz NOT NULL DEFAULT now(),
    revoked_at    timestamptz
);

CREATE INDEX api_keys_of_user ON api_keys (user_id, key_id);

COMMENT ON TABLE api_keys IS
    'Keys of programs. A key acts as its account, with the role that the account has at the time.';
COMMENT ON COLUMN api_keys.key_id IS
    'The public half of the key, a UUID of version 7.';
COMMENT ON COLUMN api_keys.user_id IS
    'The account that the key acts as.';
COMMENT ON COLUMN api_keys.label IS
    'What its owner calls the key.';
COMMENT ON COLUMN api_keys.secret_sha256 IS
    'SHA-256 of the secret half, which has 256 random bits: there is nothing to guess, so a slow '
    'hash would protect nothing.';
COMMENT ON COLUMN api_keys.created_at IS
    'When the key was made.';
COMMENT ON COLUMN api_keys.revoked_at IS
    'When the key was revoked; null while it is good.';

CREATE TABLE revocations (
    revocation_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_by    xid8        NOT NULL DEFAULT pg_current_xact_id(),
    user_id       uuid        NOT NULL REFERENCES users,
    session_id    uuid,
    key_id        uuid,
    generation    bigint,
    spared        uuid,
    expires_at    timestamptz NOT NULL,
    CHECK (num_nonnulls(session_id, key_id, generation) = 1),
    CHECK (spared IS NULL OR generation IS NOT NULL)
);

CREATE INDEX revocations_by_transaction ON revocations (written_by);
CREATE INDEX revocations_by_expiry ON revocations (expires_at);

COMMENT ON TABLE revocations IS
    'What was ended before its time: one session, one API key, or all that an account had. Every '
    'ingress reads what is new here twice a second. Rows are deleted once they expired.';
COMMENT ON COLUMN revocations.revocation_id IS
    'Identity of the row.';
COMMENT ON COLUMN revocations.written_by IS
    'The transaction that wrote the row. Readers go on from the oldest transaction that was still '
    'open when they last read, so that a late commit is not passed over.';
COMMENT ON COLUMN revocations.user_id IS
    'The account it is about.';
COMMENT ON COLUMN revocations.session_id IS
    'The session that was ended: the jti of its token.';
COMMENT ON COLUMN revocations.key_id IS
    'The API key that was revoked.';
COMMENT ON COLUMN revocations.generation IS
    'Tokens of the account from a generation below this are refused, and what is remembered about '
    'its API keys is forgotten.';
COMMENT ON COLUMN revocations.spared IS
    'The one session that goes on all the same: that of a user who changed their own password.';
COMMENT ON COLUMN revocations.expires_at IS
    'When all that this could refuse has expired by itself.';

CREATE TABLE bootstrap_uses (
    token_sha256 bytea       NOT NULL PRIMARY KEY CHECK (length(token_sha256) = 32),
    user_id      uuid        NOT NULL REFERENCES users,
    used_at      timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE bootstrap_uses IS
    'Bootstrap tokens that were used: each makes one administrator, and only while there is none.';
COMMENT ON COLUMN bootstrap_uses.token_sha256 IS
    'SHA-256 of the token.';
COMMENT ON COLUMN bootstrap_uses.user_id IS
    'The administrator that it made.';
COMMENT ON COLUMN bootstrap_uses.used_at IS
    'When.';

CREATE TABLE audit_log (
    audit_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    act         text        NOT NULL,
    outcome     text        NOT NULL CHECK (outcome IN ('done', 'refused')),
    actor       text,
    subject     text,
    detail      text,
    client      inet        NOT NULL
);

COMMENT ON TABLE audit_log IS
    'Who did what to accounts and credentials, and what was refused. Insert-only. An act and its '
    'row are written in one transaction. Never holds a secret.';
COMMENT ON COLUMN audit_log.audit_id IS
    'Identity of the row, rising with time.';
COMMENT ON COLUMN audit_log.happened_at IS
    'When.';
COMMENT ON COLUMN audit_log.act IS
    'What was done or tried, such as login or role-changed; an open set of names.';
COMMENT ON COLUMN audit_log.outcome IS
    'done or refused.';
COMMENT ON COLUMN audit_log.actor IS
    'Name of the account that did it; null if nobody was signed in.';
COMMENT ON COLUMN audit_log.subject IS
    'Name of the account that it is about; null if there is no such account.';
COMMENT ON COLUMN audit_log.detail IS
    'More about it, such as the new role or the id of the key; null if there is no more.';
COMMENT ON COLUMN audit_log.client IS
    'The address that it came from, as far as proxies can be trusted.';
