//! Acts on API keys.

use std::net::IpAddr;

use abacus_runtime::SecretString;
use uuid::Uuid;

use crate::api_key::NewApiKey;
use crate::audit::{Act, Event};
use crate::caller::User;
use crate::error::Error;
use crate::identity::Identity;
use crate::store::ApiKeyEntry;
use crate::tokens::Session;

/// Longest label of an API key, in characters.
const LONGEST_LABEL: usize = 100;

/// A new API key.
#[derive(Debug)]
pub struct CreatedKey {
    /// Id of the key.
    pub id: Uuid,
    /// Label of the key.
    pub label: String,
    /// Text of the key. The caller sees the text once; the store keeps only a hash.
    pub text: SecretString,
}

impl Identity {
    /// Returns the valid API keys of a user, the oldest first.
    pub async fn keys(&self, user: &User) -> Result<Vec<ApiKeyEntry>, Error> {
        self.store.keys_of(user.id).await
    }

    /// Makes an API key.
    pub async fn create_key(
        &self,
        session: &Session,
        label: String,
        from: IpAddr,
    ) -> Result<CreatedKey, Error> {
        if !(1..=LONGEST_LABEL).contains(&label.chars().count())
            || label.chars().any(char::is_control)
        {
            return Err(Error::MalformedLabel);
        }
        let key = NewApiKey::generate().map_err(Error::Internal)?;
        let event = Event::new(Act::CreateKey, from).by(&session.name).on(&session.name);
        let event = event.with(key.id.to_string());
        self.store.add_key(session.user_id, &key, &label, &event).await?;
        Ok(CreatedKey { id: key.id, label, text: key.text })
    }

    /// Revokes an API key of the user. `id` is the text of the key's id.
    pub async fn revoke_key(&self, user: &User, id: &str, from: IpAddr) -> Result<(), Error> {
        let id = Uuid::parse_str(id).map_err(|_| Error::NoSuchKey { id: id.to_owned() })?;
        let event = Event::new(Act::RevokeKey, from).by(&user.name).on(&user.name);
        let revocation = self.store.revoke_key(user.id, id, &event.with(id.to_string())).await?;
        self.revocations.apply([revocation]);
        Ok(())
    }
}
