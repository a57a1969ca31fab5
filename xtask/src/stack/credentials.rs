//! Who may use a stack: the secrets of its ingress, and a user and an administrator to try it with.
//!
//! They are made once and kept beside the data that they belong to, in a file that only its owner can
//! read; the two accounts are registered as anybody would register them.

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
/// A computation through a system that has just started may take its time.
const PATIENCE: Duration = Duration::from_secs(30);
const KEY_NAME: &str = "cargo xtask up";

/// What is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// `ABACUS_TOKEN_KEYS`: with these the ingress signs its tokens.
    pub(crate) token_keys: String,
    /// `ABACUS_BOOTSTRAP_TOKEN`: lets the first administrator in.
    pub(crate) bootstrap_token: String,
    /// `ABACUS_RECORD_KEY`: with this an ingress signs its requests, and a projector checks them.
    #[serde(default)]
    pub(crate) record_key: String,
    pub(crate) user: Account,
    pub(crate) administrator: Account,
}

/// An account to try the system with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
    /// Once it is registered.
    pub(crate) api_key: Option<String>,
}

impl Credentials {
    /// Those kept in `folder`; made now where there are none.
    pub(crate) fn ensure(folder: &Path) -> Result<Self> {
        if let Some(mut kept) = Self::read(folder)? {
            if kept.record_key.is_empty() {
                kept.record_key = STANDARD.encode(random::<32>()?);
                kept.write(folder)?;
            }
            return Ok(kept);
        }
        let made = Self {
            token_keys: format!("first:{}", STANDARD.encode(random::<32>()?)),
            bootstrap_token: secret()?,
            record_key: STANDARD.encode(random::<32>()?),
            user: Account::make("demo")?,
            administrator: Account::make("admin")?,
        };
        made.write(folder)?;
        Ok(made)
    }

    /// Those kept in `folder`, if any.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let file = file_in(folder);
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .with_context(|| format!("{} makes no sense", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Registers the two accounts at the ingress on `port`, unless that was done before, and keeps their API keys.
    pub(crate) fn introduce(&mut self, folder: &Path, port: u16) -> Result<()> {
        let privilege = json!({"role": "admin", "bootstrap_token": self.bootstrap_token});
        // A key is shown once: what comes after it may fail.
        self.administrator.introduce(port, &privilege)?;
        self.write(folder)?;
        self.user.introduce(port, &json!({}))?;
        self.write(folder)
    }

    /// What an ingress of the stack is started with.
    pub(crate) fn settings(&self) -> [(String, String); 2] {
        [
            ("ABACUS_TOKEN_KEYS".to_owned(), self.token_keys.clone()),
            ("ABACUS_BOOTSTRAP_TOKEN".to_owned(), self.bootstrap_token.clone()),
        ]
    }

    /// What an ingress and a projector of the stack share.
    pub(crate) fn record_settings(&self) -> [(String, String); 1] {
        [("ABACUS_RECORD_KEY".to_owned(), self.record_key.clone())]
    }

    /// What scripts call the system with.
    pub(crate) fn exports(&self) -> Vec<(String, String)> {
        let keys = [
            ("ABACUS_TOKEN", &self.user.api_key),
            ("ABACUS_ADMIN_TOKEN", &self.administrator.api_key),
        ];
        keys.into_iter().filter_map(|(name, key)| Some((name.to_owned(), key.clone()?))).collect()
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let next = folder.join("credentials.json.next");
        // One that was left behind may have other rights.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        fs::rename(&next, file_in(folder)).context("cannot keep the stack's credentials")
    }
}

impl Account {
    fn make(username: &str) -> Result<Self> {
        Ok(Self { username: username.to_owned(), password: secret()?, api_key: None })
    }

    fn introduce(&mut self, port: u16, privilege: &Value) -> Result<()> {
        if let Some(key) = &self.api_key {
            let answer = Request::get("/v1/me").with_token(key).send(port, PATIENCE)?;
            match answer.status {
                200 => return Ok(()),
                401 => {}
                // That it cannot be told now whether the key is good does not make it a bad one.
                status => bail!("the key of `{}`: {status}: {}", self.username, answer.body.trim()),
            }
        }
        self.register(port, privilege)?;
        let token = self.sign_in(port)?;
        let request = Request::post("/v1/api-keys", json!({"label": KEY_NAME})).with_token(&token);
        self.api_key = Some(member(&request.send(port, PATIENCE)?, 201, "key")?);
        Ok(())
    }

    /// The token of a new session at the ingress on `port`.
    pub(crate) fn sign_in(&self, port: u16) -> Result<String> {
        let answer = Request::post("/v1/login", self.login()).send(port, PATIENCE)?;
        member(&answer, 200, "access_token")
            .with_context(|| format!("cannot sign in as `{}`", self.username))
    }

    /// An account that is there already is as good.
    fn register(&self, port: u16, privilege: &Value) -> Result<()> {
        let mut body = self.login();
        if let (Some(body), Some(privilege)) = (body.as_object_mut(), privilege.as_object()) {
            body.extend(privilege.clone());
        }
        let answer = Request::post("/v1/register", body).send(port, PATIENCE)?;
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

/// Where they are kept.
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
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
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
