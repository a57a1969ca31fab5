//! Who is not let in.

problem_types! {
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Who are you?",
        "This needs credentials, and the request has none.",
        "Sign in at `POST /v1/login` and send the token as `Authorization: Bearer TOKEN`. An API \
         key is sent in the same way.",
        Useless;
    ADMINS_ONLY: FORBIDDEN, "admins-only", "This is for administrators",
        "The credentials are good, but their account is not an administrator's.",
        "Ask an administrator, or sign in as one.",
        Useless;
}
