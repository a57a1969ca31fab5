//! Credentials and accounts.

abacus_http::problem_types! {
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Credentials are missing",
        "The resource needs credentials, and the request has none.",
        "Sign in at `POST /v1/login` and send the token as `Authorization: Bearer TOKEN`. Send an API \
         key in the same way.",
        Useless;
    INVALID_CREDENTIALS: UNAUTHORIZED, "invalid-credentials", "The credentials are not valid",
        "The credentials of the request are unreadable, expired, ended or of another service; `detail` \
         names the reason.",
        "Sign in again at `POST /v1/login`, or make a new API key.",
        Useless;
    WRONG_CREDENTIALS: UNAUTHORIZED, "wrong-credentials", "The name or the password is wrong",
        "No account has this name and password. The answer does not tell apart a wrong name and a wrong password.",
        "Check both. A lost password cannot be recovered: ask an administrator.",
        Useless;
    WRONG_PASSWORD: FORBIDDEN, "wrong-password", "The password is wrong",
        "A change of password needs the current password, and the given one is wrong.",
        "Give the current password.",
        Useless;
    ACCOUNT_DISABLED: FORBIDDEN, "account-disabled", "The account is disabled",
        "Name and password are right, but an administrator has disabled the account.",
        "Ask an administrator to enable the account.",
        Useless;
    ADMINS_ONLY: FORBIDDEN, "admins-only", "Only administrators may do this",
        "The credentials are valid, but the account is not an administrator.",
        "Ask an administrator, or sign in as an administrator.",
        Useless;
    ROLE_NOT_ALLOWED: FORBIDDEN, "role-not-allowed", "You may not give this role",
        "The request asks for an account with the role `admin`, and the caller may not make administrators.",
        "Send `Authorization: Bearer TOKEN` of an administrator. While no administrator exists, the \
         `bootstrap_token` of the server's settings makes the first one. Without `role` the account \
         gets the role `user`.",
        Useless;
    REGISTRATION_CLOSED: FORBIDDEN, "registration-closed", "Only administrators make accounts",
        "The settings of the server allow only administrators to make accounts.",
        "Ask an administrator for an account, or send `Authorization: Bearer TOKEN` of an administrator.",
        Useless;
    SESSION_REQUIRED: FORBIDDEN, "session-required", "A session is needed",
        "The request has an API key, and only a signed-in user may do this.",
        "Sign in at `POST /v1/login` and send the session's token.",
        Useless;
    NAME_TAKEN: CONFLICT, "name-taken", "The name is taken",
        "An account has or had this name; a name is never used again.",
        "Choose another name.",
        Useless;
    LAST_ADMIN: CONFLICT, "last-admin", "The last administrator must stay",
        "The change would leave the service without an administrator.",
        "Make another account an administrator first.",
        Useless;
    TOO_MANY_KEYS: CONFLICT, "too-many-keys", "The account has too many API keys",
        "The account has the largest allowed number of API keys.",
        "Revoke a key at `DELETE /v1/api-keys/{id}`.",
        Useless;
    MALFORMED_NAME: UNPROCESSABLE_ENTITY, "malformed-name", "The name is malformed",
        "The name does not have the form of an account name.",
        "Use 3 to 64 letters, digits, dots, underscores and hyphens; begin with a letter or digit.",
        Useless;
    WEAK_PASSWORD: UNPROCESSABLE_ENTITY, "weak-password", "The password is too weak",
        "The password is too short, too long, or a common password.",
        "Choose a longer password, hard to guess; `detail` names the weakness.",
        Useless;
    MALFORMED_LABEL: UNPROCESSABLE_ENTITY, "malformed-label", "The label is malformed",
        "The label of an API key is empty, too long, or has a control character.",
        "Use 1 to 100 characters without control characters.",
        Useless;
    NOTHING_TO_CHANGE: UNPROCESSABLE_ENTITY, "nothing-to-change", "The request changes nothing",
        "The body is well-formed, but has no member to change.",
        "Send at least one member from the API description.",
        Useless;
    INVALID_MEMBERS: UNPROCESSABLE_ENTITY, "invalid-members", "The members of the body are wrong",
        "A member of the body is missing, unknown, or of another type.",
        "Send only the members in the API description; `detail` names the error.",
        Useless;
    NO_SUCH_USER: NOT_FOUND, "no-such-user", "The account is not known",
        "No account has this name.",
        "Check the name; `GET /v1/admin/users` lists the accounts.",
        Useless;
    NO_SUCH_KEY: NOT_FOUND, "no-such-key", "The API key is not known",
        "The caller has no API key with this id.",
        "Check the id; `GET /v1/api-keys` lists your keys.",
        Useless;
    MALFORMED_CURSOR: BAD_REQUEST, "malformed-cursor", "The cursor is malformed",
        "The position of the page cannot be read.",
        "Use a cursor from a list unchanged, or leave `cursor` out to begin at the start.",
        Useless;
    MALFORMED_LIMIT: BAD_REQUEST, "malformed-limit", "The limit is out of range",
        "A page cannot hold the requested number of entries.",
        "Ask for a number in the range that `detail` tells, or leave `limit` out.",
        Useless;
    SIGN_IN_BUSY: SERVICE_UNAVAILABLE, "sign-in-busy", "The server is busy",
        "More sign-ins are in flight than the server takes at a time.",
        "Try again in a moment.",
        Safe;
    IDENTITY_STALE: SERVICE_UNAVAILABLE, "identity-stale", "Roles are not known at the moment",
        "The server has not read the latest revocations for some time, and admits no administrator before the next read.",
        "Try again in a moment, or at another instance.",
        Safe;
    IDENTITY_UNAVAILABLE: SERVICE_UNAVAILABLE, "identity-unavailable", "Accounts are not available",
        "The server cannot reach the database of accounts.",
        "Try again in a moment. Tokens and known API keys work without the database for some time.",
        Safe;
}
