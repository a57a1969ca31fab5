//! Credentials of a stack: the secrets of the ingress, and the accounts of a sample user and an
//! administrator.
//!
//! Credentials are made once and kept beside the stack's data, in a file readable only by its
//! owner. The accounts are registered through the public API.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{Request, Response};

const FILE: &str = "credentials.json";
/// Time limit of a request. Requests shortly after the start may be slow.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const KEY_NAME: &str = "cargo xtask up";

/// Content of the credentials file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// `ABACUS_TOKEN_KEYS`: the keys that the ingress signs tokens with.
    pub(crate) token_keys: String,
    /// `ABACUS_BOOTSTRAP_TOKEN`: registers the first administrator.
    pub(crate) bootstrap_token: String,
    /// `ABACUS_CACHE_KEY`: authenticates the results in Redis. Empty in files of earlier versions.
    #[serde(default)]
    pub(crate) cache_key: String,
    /// `ABACUS_RECORD_KEY`: with this an ingress signs its requests, and a projector checks them.
    #[serde(default)]
    pub(crate) record_key: String,
    pub(crate) user: Account,
    pub(crate) administrator: Account,
}

/// Account for trying the system.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
    /// API key, once the account is registered.
    pub(crate) api_key: Option<String>,
}

impl Credentials {
    /// Reads the credentials in `folder`. Makes missing credentials.
    pub(crate) fn ensure(folder: &Path) -> Result<Self> {
        if let Some(mut credentials) = Self::read(folder)? {
            if credentials.cache_key.is_empty() {
                credentials.cache_key = secret()?;
                credentials.write(folder)?;
            }
            if credentials.record_key.is_empty() {
                credentials.record_key = STANDARD.encode(random::<32>()?);
                credentials.write(folder)?;
            }
            return Ok(credentials);
        }
        let made = Self {
            token_keys: format!("first:{}", STANDARD.encode(random::<32>()?)),
            bootstrap_token: secret()?,
            cache_key: secret()?,
            record_key: STANDARD.encode(random::<32>()?),
            user: Account::make("demo")?,
            administrator: Account::make("admin")?,
        };
        made.write(folder)?;
        Ok(made)
    }

    /// Reads the credentials in `folder`. Returns `None` without a file.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let file = file_in(folder);
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("{} is not readable", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Registers the two accounts at the ingress on `port` and keeps their API keys. Registered
    /// accounts are left alone.
    pub(crate) fn register(&mut self, folder: &Path, port: u16) -> Result<()> {
        let privilege = json!({"role": "admin", "bootstrap_token": self.bootstrap_token});
        // The API returns a key only once, so write it before the next step, which may fail.
        self.administrator.ensure_api_key(port, &privilege)?;
        self.write(folder)?;
        self.user.ensure_api_key(port, &json!({}))?;
        self.write(folder)
    }

    /// Returns the secret settings of the stack's ingresses.
    pub(crate) fn settings(&self) -> [(String, String); 2] {
        [
            ("ABACUS_TOKEN_KEYS".to_owned(), self.token_keys.clone()),
            ("ABACUS_BOOTSTRAP_TOKEN".to_owned(), self.bootstrap_token.clone()),
        ]
    }

    /// Returns the setting of the processors' cache key.
    pub(crate) fn cache_setting(&self) -> (String, String) {
        ("ABACUS_CACHE_KEY".to_owned(), self.cache_key.clone())
    }

    /// Returns the settings shared by an ingress and a projector of the stack.
    pub(crate) fn record_settings(&self) -> [(String, String); 1] {
        [("ABACUS_RECORD_KEY".to_owned(), self.record_key.clone())]
    }

    /// Returns the API keys for scripts.
    pub(crate) fn exports(&self) -> Vec<(String, String)> {
        let keys = [
            ("ABACUS_TOKEN", &self.user.api_key),
            ("ABACUS_ADMIN_TOKEN", &self.administrator.api_key),
        ];
        keys.into_iter().filter_map(|(name, key)| Some((name.to_owned(), key.clone()?))).collect()
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let next = folder.join("credentials.json.next");
        // A file left from a crash may have different permissions.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        fs::rename(&next, file_in(folder)).context("cannot write the stack's credentials")
    }
}

impl Account {
    fn make(username: &str) -> Result<Self> {
        Ok(Self { username: username.to_owned(), password: secret()?, api_key: None })
    }

    fn ensure_api_key(&mut self, port: u16, privilege: &Value) -> Result<()> {
        if let Some(key) = &self.api_key {
            let answer = Request::get("/v1/me").with_token(key).send(port, REQUEST_TIMEOUT)?;
            match answer.status {
                200 => return Ok(()),
                401 => {}
                // This answer does not prove that the key is invalid.
                status => bail!("the key of `{}`: {status}: {}", self.username, answer.body.trim()),
            }
        }
        self.register(port, privilege)?;
        let token = self.sign_in(port)?;
        let request = Request::post("/v1/api-keys", json!({"label": KEY_NAME})).with_token(&token);
        self.api_key = Some(member(&request.send(port, REQUEST_TIMEOUT)?, 201, "key")?);
        Ok(())
    }

    /// Signs in at the ingress on `port`. Returns the token of the new session.
    pub(crate) fn sign_in(&self, port: u16) -> Result<String> {
        let answer = Request::post("/v1/login", self.login()).send(port, REQUEST_TIMEOUT)?;
        member(&answer, 200, "access_token")
            .with_context(|| format!("cannot sign in as `{}`", self.username))
    }

    /// Registers the account. An existing account is no error.
    fn register(&self, port: u16, privilege: &Value) -> Result<()> {
        let mut body = self.login();
        if let (Some(body), Some(privilege)) = (body.as_object_mut(), privilege.as_object()) {
            body.extend(privilege.clone());
        }
        let answer = Request::post("/v1/register", body).send(port, REQUEST_TIMEOUT)?;
        match answer.status {
            201 | 409 => Ok(()),
            status => {
                bail!("cannot register `{}`: {status}: {}", self.username, answer.body.trim())
            }
        }
    }

    fn login(&self) -> Value {
        json!({"username": self.username, "password": self.password})
    }
}

/// Returns the file of the credentials in `folder`.
pub(crate) fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

fn member(answer: &Response, status: u16, name: &str) -> Result<String> {
    if answer.status != status {
        bail!("{}: {}", answer.status, answer.body.trim());
    }
    let body: Value = serde_json::from_str(&answer.body)?;
    body.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {name}"))
}

fn secret() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<24>()?))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the system provides no random bytes")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn credentials_are_made_once_and_for_their_owner_only() {
        let folder = std::env::temp_dir().join(format!("abacus-xtask-c-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let made = Credentials::ensure(&folder).unwrap();
        let again = Credentials::ensure(&folder).unwrap();
        assert_eq!(made.token_keys, again.token_keys);
        assert_ne!(made.user.password, made.administrator.password);
        let rights = fs::metadata(file_in(&folder)).unwrap().permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
        let left_behind = folder.join("credentials.json.next");
        fs::write(&left_behind, "").unwrap();
        fs::set_permissions(&left_behind, fs::Permissions::from_mode(0o644)).unwrap();
        made.write(&folder).unwrap();
        let rights = fs::metadata(file_in(&folder)).unwrap().permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }
}
