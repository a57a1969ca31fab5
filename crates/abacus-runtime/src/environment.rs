//! Settings from environment variables: values, problems and documentation.
//!
//! Every read records the documentation and the effective value of a setting. A read never fails: a
//! wrong value is recorded as a problem and replaced by the default, so one start reports all
//! problems. Values may be used only after [`Environment::finish`] found no problem. An empty
//! variable counts as not set. Values of secrets never appear in a problem, a log line or a `Debug`
//! output.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;

use secrecy::SecretString;

use crate::setting::Setting;

/// Environment variables of a process, and the settings read from these variables.
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    settings: Vec<SettingDoc>,
    effective: Vec<EffectiveSetting>,
    problems: Vec<ConfigProblem>,
}

/// Documentation of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingDoc {
    /// Name of the environment variable.
    pub name: &'static str,
    /// Default value; `None` for an optional setting.
    pub default: Option<&'static str>,
    /// Description, in one sentence.
    pub meaning: &'static str,
    /// True for a secret. A secret may also be read from a file, named by `<name>_FILE`.
    pub secret: bool,
}

/// Effective configuration of a process. The `Display` output is safe to log.
#[derive(Clone, Debug)]
pub struct Effective {
    settings: Vec<EffectiveSetting>,
}

/// One setting of an [`Effective`] configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    /// Name of the environment variable.
    pub name: &'static str,
    /// Text of the value, or `[redacted]`.
    pub value: String,
    /// Source of the value.
    pub source: Source,
}

/// Source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Default in the code.
    Default,
    /// The environment variable.
    Variable,
    /// File named by the variable with the suffix `_FILE`.
    File,
}

/// A problem of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Name of the environment variable.
    pub name: String,
    /// Description of the problem and of the expected value.
    pub text: String,
}

/// All problems of a configuration, in the order of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblems(Vec<ConfigProblem>);

impl Environment {
    /// Takes the variables of this process.
    pub fn from_process() -> Self {
        Self::from_variables(std::env::vars_os().collect())
    }

    /// Takes only the given variables.
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

    /// Reads a setting. `default` passes the parser of the type as well.
    ///
    /// # Panics
    /// Panics if `default` does not parse. This is a mistake in the code; any start and any
    /// `--help` reveals it.
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

    /// Reads an optional setting.
    pub fn optional<T: Setting>(&mut self, name: &'static str, meaning: &'static str) -> Option<T> {
        self.document(SettingDoc { name, default: None, meaning, secret: false });
        let text = self.variable(name)?;
        self.record(name, &text, Source::Variable);
        self.parse(name, &text)
    }

    /// Reads a secret from the variable, or from the file named by `<name>_FILE`. One line end at
    /// the end of the file is dropped.
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

    /// Records a problem beyond the reach of a single parser, for example a contradiction between
    /// two settings.
    pub fn problem(&mut self, name: &str, text: impl Into<String>) {
        self.problems.push(ConfigProblem { name: name.to_owned(), text: text.into() });
    }

    /// Ends the reading. Returns the effective configuration, or all problems.
    pub fn finish(self) -> Result<Effective, ConfigProblems> {
        if self.problems.is_empty() {
            Ok(Effective { settings: self.effective })
        } else {
            Err(ConfigProblems(self.problems))
        }
    }

    /// Documentation of all settings, in the order of reading.
    pub fn settings(&self) -> &[SettingDoc] {
        &self.settings
    }

    /// Records the documentation of a setting once, even if two sections read the setting.
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
                    format!("is set together with {file_name}: expected only one of the two"),
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

#[expect(clippy::panic, reason = "an invalid default is a mistake in the code")]
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
    /// All settings with their effective values; secrets are redacted.
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
    /// Iterates over the problems in the order of reading.
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
