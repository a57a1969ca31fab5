//! Users of a broker with access lists, and the client settings of a user.

/// User without limits: the broker itself, and the test.
pub const SUPER_USER: &str = "admin";

const PASSWORD: &str = "the-password-of-all-users";

/// Returns the librdkafka settings of `user`.
pub(crate) fn client_settings(user: &str) -> [(&'static str, &str); 4] {
    [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", user),
        ("sasl.password", PASSWORD),
    ]
}

/// Returns the settings of `user` in the form of `ABACUS_KAFKA_PROPERTIES`.
pub fn client_properties(user: &str) -> String {
    client_settings(user).map(|(name, value)| format!("{name}={value}")).join(",")
}

/// Returns the settings of a broker for `users`. A client is refused without a permission for its
/// user. The controller's port has no users, so its clients count as super users.
pub(crate) fn broker_settings(users: &[&str]) -> Vec<(&'static str, String)> {
    let user = |name: &&str| format!(" user_{name}=\"{PASSWORD}\"");
    let users: String = users.iter().chain(&[SUPER_USER]).map(user).collect();
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    let login = format!("{module} username=\"{SUPER_USER}\" password=\"{PASSWORD}\"{users};");
    let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    vec![
        ("listener.security.protocol.map", "CLIENTS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT".into()),
        ("inter.broker.listener.name", "CLIENTS".into()),
        ("sasl.enabled.mechanisms", "PLAIN".into()),
        ("sasl.mechanism.inter.broker.protocol", "PLAIN".into()),
        ("listener.name.clients.plain.sasl.jaas.config", login),
        ("authorizer.class.name", authorizer.into()),
        ("super.users", format!("User:{SUPER_USER};User:ANONYMOUS")),
    ]
}
