//! What is wrong with an idempotency key.

problem_types! {
    MALFORMED_IDEMPOTENCY_KEY: BAD_REQUEST, "malformed-idempotency-key",
        "The idempotency key cannot be read",
        "The header `Idempotency-Key` is not a key.",
        "Send one key, quoted or bare; a UUID is a good one.",
        Useless;
    IDEMPOTENCY_KEY_NEEDS_CREDENTIALS: UNAUTHORIZED, "idempotency-key-needs-credentials",
        "An idempotency key needs credentials",
        "A key stands for a request of its caller's, and this caller is nobody.",
        "Sign in, or leave the key out.",
        Useless;
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused",
        "The idempotency key stands for another computation",
        "You have used this key for another computation.",
        "Use a new key for each computation, and the same one only to repeat it.",
        Useless;
    IDEMPOTENCY_KEY_NOT_FOR_BATCHES: BAD_REQUEST, "idempotency-key-not-for-batches",
        "A batch takes no idempotency key",
        "The header `Idempotency-Key` came with a batch, which is many requests.",
        "Leave the header out, or send the computations one by one with a key each.",
        Useless;
    IDEMPOTENCY_UNAVAILABLE: SERVICE_UNAVAILABLE, "idempotency-unavailable",
        "Idempotency keys are away",
        "The database that knows what each key stands for cannot be reached. Nothing was computed.",
        "Try again in a moment with the same key, or leave the key out.",
        Safe;
}
