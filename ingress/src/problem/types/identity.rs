//! Who is not let in, and which accounts are not changed.

problem_types! {
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Who are you?",
        "This needs credentials, and the request has none.",
        "Sign in at `POST /v1/login` and send the token as `Authorization: Bearer TOKEN`. An API \
         key is sent in the same way.",
        Useless;
    INVALID_CREDENTIALS: UNAUTHORIZED, "invalid-credentials", "The credentials are not valid",
        "The request has credentials, but they are unreadable, expired, ended or not from here; \
         `detail` says which.",
        "Sign in again at `POST /v1/login`, or make a new API key, and send that.",
        Useless;
    WRONG_CREDENTIALS: UNAUTHORIZED, "wrong-credentials", "The name or the password is wrong",
        "There is no account with this name and password. Which of the two is wrong is told to \
         nobody.",
        "Check both. A lost password cannot be read back: ask an administrator.",
        Useless;
    WRONG_PASSWORD: FORBIDDEN, "wrong-password", "The password is wrong",
        "The current password, which has to be given to set a new one, is wrong.",
        "Give the current password.",
        Useless;
    ACCOUNT_DISABLED: FORBIDDEN, "account-disabled", "The account is disabled",
        "Name and password are right, but the account was disabled by an administrator.",
        "Ask an administrator to enable it.",
        Useless;
    ADMINS_ONLY: FORBIDDEN, "admins-only", "This is for administrators",
        "The credentials are good, but their account is not an administrator's.",
        "Ask an administrator, or sign in as one.",
        Useless;
    ROLE_NOT_ALLOWED: FORBIDDEN, "role-not-allowed", "The role is not for you to give",
        "An account with the role `admin` was asked for by somebody who may not make one.",
        "Send `Authorization: Bearer TOKEN` of an administrator. While there is none, the \
         `bootstrap_token` that the server was started with does it once. Without `role` the \
         account is made for a user.",
        Useless;
    REGISTRATION_CLOSED: FORBIDDEN, "registration-closed", "Accounts are made by administrators",
        "The server is set up so that only administrators make accounts.",
        "Ask an administrator for an account, or send `Authorization: Bearer TOKEN` of one.",
        Useless;
    SESSION_REQUIRED: FORBIDDEN, "session-required", "This needs a session",
        "An API key was sent for what only a person who has signed in may do.",
        "Sign in at `POST /v1/login` and send that token.",
        Useless;
    NAME_TAKEN: CONFLICT, "name-taken", "The name is taken",
        "An account has or had this name; names are never given away again.",
        "Choose another name.",
        Useless;
    LAST_ADMIN: CONFLICT, "last-admin", "There must be an administrator",
        "The change would leave the service without an administrator.",
        "Make somebody else an administrator first.",
        Useless;
    TOO_MANY_KEYS: CONFLICT, "too-many-keys", "There are too many API keys",
        "The account has as many API keys as it may have.",
        "Revoke one at `DELETE /v1/api-keys/{id}`.",
        Useless;
    MALFORMED_NAME: UNPROCESSABLE_ENTITY, "malformed-name", "The name is not well-formed",
        "The name of an account cannot be like this.",
        "Use 3 to 64 letters, digits, dots, underscores and hyphens; begin with a letter or digit.",
        Useless;
    WEAK_PASSWORD: UNPROCESSABLE_ENTITY, "weak-password", "The password is too weak",
        "The password is too short, too long, or one that many people use.",
        "Choose a longer one that nobody else would; `detail` says what is wrong with this one.",
        Useless;
    MALFORMED_LABEL: UNPROCESSABLE_ENTITY, "malformed-label", "The label is not well-formed",
        "The label of an API key cannot be like this.",
        "Use 1 to 100 characters, none of them a control character.",
        Useless;
    NOTHING_TO_CHANGE: UNPROCESSABLE_ENTITY, "nothing-to-change", "There is nothing to change",
        "The body is well-formed, but names nothing that could be changed.",
        "Give one of the members that the API's description lists.",
        Useless;
    INVALID_MEMBERS: UNPROCESSABLE_ENTITY, "invalid-members", "The body's members are wrong",
        "A member of the body is missing, unknown, or of another type.",
        "Send the members that the API's description lists, and no others; `detail` says what is \
         wrong.",
        Useless;
    NO_SUCH_USER: NOT_FOUND, "no-such-user", "The account is not known",
        "There is no account of that name.",
        "Check the name; `GET /v1/admin/users` lists them.",
        Useless;
    NO_SUCH_KEY: NOT_FOUND, "no-such-key", "The API key is not known",
        "You have no API key of that id.",
        "Check the id; `GET /v1/api-keys` lists yours.",
        Useless;
    MALFORMED_CURSOR: BAD_REQUEST, "malformed-cursor", "The cursor is not one of ours",
        "The place at which a page was to begin cannot be read.",
        "Use a cursor as a list gave it, or leave it out to begin at the start.",
        Useless;
    MALFORMED_LIMIT: BAD_REQUEST, "malformed-limit", "The limit is out of range",
        "A page cannot hold as many entries as were asked for.",
        "Ask for as many as `detail` says, or leave `limit` out.",
        Useless;
    SIGN_IN_BUSY: SERVICE_UNAVAILABLE, "sign-in-busy", "The server is busy",
        "More sign-ins are under way than this server takes at a time.",
        "Try again in a moment.",
        Safe;
    IDENTITY_STALE: SERVICE_UNAVAILABLE, "identity-stale", "Roles are not known at the moment",
        "This server has not heard for a while which sessions and roles were ended, and so lets no \
         administrator in.",
        "Try again in a moment, or at another instance.",
        Safe;
    IDENTITY_UNAVAILABLE: SERVICE_UNAVAILABLE, "identity-unavailable", "Accounts are away",
        "The database with the accounts cannot be reached.",
        "Try again in a moment. Tokens that are already made work without it for some time.",
        Safe;
}
