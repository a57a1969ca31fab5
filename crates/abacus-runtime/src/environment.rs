//! Settings out of environment variables: values, what is wrong with them, and what there is to
//! set.
//!
//! Every read records the setting's documentation and its effective value, and never fails: a
//! problem is collected and the default stands in, so that one start reports everything that is
//! wrong. The values may be used only after [`Environment::finish`] found no problem. A variable
//! that is set to nothing counts as not set. Values of secrets never reach a problem, a log line or
//! a `Debug` output.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;

use secrecy::SecretString;

use crate::setting::Setting;

/// The variables a process was given, and what was read out of them.
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    settings: Vec<SettingDoc>,
    effective: Vec<EffectiveSetting>,
    problems: Vec<ConfigProblem>,
}

/// What there is to know about one setting without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingDoc {
    /// The environment variable.
    pub name: &'static str,
    /// What stands in when it is not set; `None` for a setting that may be absent.
    pub default: Option<&'static str>,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// Whether the value is secret, and may also come from the file that `<name>_FILE` names.
    pub secret: bool,
}

/// The configuration a process runs with; its `Display` is safe to log.
#[derive(Clone, Debug)]
pub struct Effective {
    settings: Vec<EffectiveSetting>,
}

/// One setting of an [`Effective`] configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// The environment variable.
    pub name: &'static str,
    /// Its text, or `[redacted]`.
    pub value: String,
    /// Where the value came from.
    pub source: Source,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The default that the code states.
    Default,
    /// The environment variable.
    Variable,
    /// The file that the variable with the suffix `_FILE` names.
    File,
}

/// One thing that is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The environment variable.
    pub name: String,
    /// What is wrong and what is expected.
    pub text: String,
}

/// Everything that is wrong with a configuration, in the order of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblems(Vec<ConfigProblem>);

impl Environment {
    /// The variables of this process.
    pub fn from_process() -> Self {
        Self::from_variables(std::env::vars_os().collect())
    }

    /// The given variables and no others.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let pairs = pairs.into_iter();
        Self::from_variables(pairs.map(|(name, value)| (name.into(), value.into())).collect())
    }

    fn from_variables(variables: BTreeMap<OsString, OsString>) -> Self {
        Self { variables, settings: Vec::new(), effective: Vec::new(), problems: Vec::new() }
    }

    /// The value of a setting, or `default`, which goes through the same parser.
    ///
    /// # Panics
    /// If `default` does not parse: a mistake in the code, which any start and any `--help` shows.
    pub fn get<T: Setting>(
        &mut self,
        name: &'static str,
        default: &'static str,
        meaning: &'static str,
    ) -> T {
        self.document(SettingDoc { name, default: Some(default), meaning, secret: false });
        let value = self.variable(name);
        self.record(name, value.as_deref().unwrap_or(default), source_of(value.as_ref()));
        value
            .and_then(|text| self.parse(name, &text))
            .unwrap_or_else(|| parse_default(name, default))
    }

    /// The value of a setting that may be absent.
    pub fn optional<T: Setting>(&mut self, name: &'static str, meaning: &'static str) -> Option<T> {
        self.document(SettingDoc { name, default: None, meaning, secret: false });
        let text = self.variable(name)?;
        self.record(name, &text, Source::Variable);
        self.parse(name, &text)
    }

    /// The value of a secret, from the variable or from the file that `<name>_FILE` names; one line
    /// end after the secret in the file is not part of it.
    pub fn secret(
        &mut self,
        name: &'static str,
        default: &'static str,
        meaning: &'static str,
    ) -> SecretString {
        self.document(SettingDoc { name, default: Some(default), meaning, secret: true });
        let (text, source) = self.secret_text(name, default);
        self.record(name, "[redacted]", source);
        SecretString::from(text)
    }

    /// Reports something that no single parser can see, such as two settings that contradict each
    /// other.
    pub fn problem(&mut self, name: &str, text: impl Into<String>) {
        self.problems.push(ConfigProblem { name: name.to_owned(), text: text.into() });
    }

    /// Ends the reading: the effective configuration, or all of its problems.
    pub fn finish(self) -> Result<Effective, ConfigProblems> {
        if self.problems.is_empty() {
            Ok(Effective { settings: self.effective })
        } else {
            Err(ConfigProblems(self.problems))
        }
    }

    /// Every setting that was asked for, in the order of asking.
    pub fn settings(&self) -> &[SettingDoc] {
        &self.settings
    }

    /// Two sections may ask for the same setting; it is documented once.
    fn document(&mut self, doc: SettingDoc) {
        if !self.settings.iter().any(|setting| setting.name == doc.name) {
            self.settings.push(doc);
        }
    }

    fn record(&mut self, name: &'static str, value: &str, source: Source) {
        if !self.effective.iter().any(|setting| setting.name == name) {
            self.effective.push(EffectiveSetting { name, value: value.to_owned(), source });
        }
    }

    fn parse<T: Setting>(&mut self, name: &str, text: &str) -> Option<T> {
        match T::parse(text) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.problem(name, format!("{expected}, got `{text}`"));
                None
            }
        }
    }

    fn secret_text(&mut self, name: &str, default: &str) -> (String, Source) {
        let file_name = format!("{name}_FILE");
        match (self.variable(name), self.variable(&file_name)) {
            (Some(_), Some(_)) => {
                self.problem(
                    name,
                    format!("is set and {file_name} too: expected only one of them"),
                );
                (default.to_owned(), Source::Default)
            }
            (Some(text), None) => (text, Source::Variable),
            (None, Some(path)) => (self.file(&file_name, &path), Source::File),
            (None, None) => (default.to_owned(), Source::Default),
        }
    }

    fn file(&mut self, name: &str, path: &str) -> String {
        match fs::read_to_string(path) {
            Ok(text) => without_line_end(&text).to_owned(),
            Err(error) => {
                self.problem(name, format!("expected a readable file, got `{path}`: {error}"));
                String::new()
            }
        }
    }

    fn variable(&mut self, name: &str) -> Option<String> {
        let value = self.variables.get(OsStr::new(name))?;
        match value.to_str() {
            Some("") => None,
            Some(text) => Some(text.to_owned()),
            None => {
                self.problem(name, "expected UTF-8 text, got other bytes");
                None
            }
        }
    }
}

fn source_of(value: Option<&String>) -> Source {
    if value.is_some() { Source::Variable } else { Source::Default }
}

#[expect(clippy::panic, reason = "a default that does not parse is a mistake in the code")]
fn parse_default<T: Setting>(name: &str, default: &str) -> T {
    T::parse(default).unwrap_or_else(|expected| {
        panic!("the default of {name} must parse: {expected}, got `{default}`")
    })
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Effective {
    /// Every setting with the value the process runs with, secrets redacted.
    pub fn settings(&self) -> &[EffectiveSetting] {
        &self.settings
    }
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, setting) in self.settings.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{}={}", setting.name, setting.value)?;
        }
        Ok(())
    }
}

impl ConfigProblems {
    /// The problems, in the order of reading.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigProblem> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} problem(s):", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {}: {}", problem.name, problem.text))
    }
}

impl std::error::Error for ConfigProblems {}

#[cfg(test)]
mod tests;
