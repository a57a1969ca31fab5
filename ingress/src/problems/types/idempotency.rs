//! Idempotency keys.

abacus_http::problem_types! {
    MALFORMED_IDEMPOTENCY_KEY: BAD_REQUEST, "malformed-idempotency-key",
        "The idempotency key cannot be read",
        "The value of the header `Idempotency-Key` is malformed.",
        "Send one key, quoted or bare, for example a UUID.",
        Useless;
    IDEMPOTENCY_KEY_NEEDS_CREDENTIALS: UNAUTHORIZED, "idempotency-key-needs-credentials",
        "An idempotency key needs credentials",
        "A key belongs to the account that used it first, and the request has no credentials.",
        "Sign in, or leave the key out.",
        Useless;
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused",
        "The idempotency key stands for another computation",
        "The account has used this key for another computation.",
        "Use a new key for each computation, and the first key only to repeat its computation.",
        Useless;
    IDEMPOTENCY_KEY_NOT_FOR_BATCHES: BAD_REQUEST, "idempotency-key-not-for-batches",
        "A batch takes no idempotency key",
        "The request is a batch, and has the header `Idempotency-Key`.",
        "Leave the header out, or send the computations one by one with a key each.",
        Useless;
    IDEMPOTENCY_UNAVAILABLE: SERVICE_UNAVAILABLE, "idempotency-unavailable",
        "Idempotency keys are not available",
        "The server cannot reach the database of the keys, or cannot search for the request of an earlier call that \
         was cut off. This call computed nothing.",
        "Try again in a moment with the same key, or leave the key out.",
        Safe;
}
