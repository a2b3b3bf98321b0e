//! Reading: a variable becomes a value, and what cannot be used is collected, never the first only.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::postgres::PgConnectOptions;

use super::fault::Fault;
use super::secret::{NamedKey, Secret};

/// Where variables come from: the environment, or a test's map.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

/// Reads variables and collects what is wrong with them.
pub(super) struct Vars<'a> {
    lookup: Lookup<'a>,
    faults: Vec<Fault>,
}

impl<'a> Vars<'a> {
    pub(super) const fn new(lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            faults: Vec::new(),
        }
    }

    /// What could not be used.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    fn get(&mut self, name: &str) -> Option<String> {
        match (self.lookup)(name) {
            Ok(value) => value
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty()),
            Err(reason) => {
                self.refuse(name, &reason);
                None
            }
        }
    }

    pub(super) fn refuse(&mut self, name: &str, reason: &str) {
        self.faults.push(Fault::new(name, reason));
    }

    pub(super) fn text(&mut self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or_else(|| default.to_owned())
    }

    pub(super) fn words(&mut self, name: &str, default: &str) -> Vec<String> {
        let text = self.text(name, default);
        text.split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn optional<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        match self.get(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, &T::Err::to_string(&error));
                None
            }
        }
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, default: T) -> T
    where
        T::Err: fmt::Display,
    {
        self.optional(name).unwrap_or(default)
    }

    pub(super) fn number<T>(
        &mut self,
        name: &str,
        default: T,
        range: std::ops::RangeInclusive<T>,
    ) -> T
    where
        T: FromStr + PartialOrd + fmt::Display,
        T::Err: fmt::Display,
    {
        let value = self.parsed(name, default);
        if !range.contains(&value) {
            let reason = format!("must be from {} to {}", range.start(), range.end());
            self.refuse(name, &reason);
        }
        value
    }

    /// One of several words; the first is the default.
    pub(super) fn choice<T: Clone>(&mut self, name: &str, choices: &[(&str, T)]) -> T {
        let word = self.get(name);
        let found = match &word {
            None => choices.first(),
            Some(word) => choices.iter().find(|(known, _)| known == word),
        };
        if found.is_none() {
            let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            self.refuse(name, &format!("must be one of {}", known.join(", ")));
        }
        found
            .or(choices.first())
            .expect("every choice has a default")
            .1
            .clone()
    }

    /// A database address. The fault does not repeat it: it holds a password.
    pub(super) fn database(&mut self, name: &str) -> Option<Secret<String>> {
        let url = self.get(name)?;
        let scheme = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if !scheme || PgConnectOptions::from_str(&url).is_err() {
            self.refuse(name, "is no postgres:// address");
        }
        Some(Secret::new(url))
    }

    /// `id:base64` pairs. The fault repeats the id alone.
    pub(super) fn keys(&mut self, name: &str, default: &[u8; 32]) -> Vec<NamedKey> {
        let words = self.words(name, "");
        if words.is_empty() {
            return vec![NamedKey {
                id: "development".to_owned(),
                key: Secret::new(*default),
            }];
        }
        let mut keys: Vec<NamedKey> = Vec::new();
        for word in words {
            let (id, encoded) = word.split_once(':').unwrap_or(("", ""));
            let bytes = STANDARD
                .decode(encoded)
                .ok()
                .and_then(|bytes| bytes.try_into().ok());
            match bytes {
                _ if !is_key_id(id) => {
                    self.refuse(
                        name,
                        "each key is id:base64, the id of 1-32 letters, digits, - or _",
                    );
                }
                None => self.refuse(name, &format!("key {id} is not the base64 of 32 bytes")),
                Some(_) if keys.iter().any(|key| key.id == id) => {
                    self.refuse(name, &format!("key {id} is given twice"));
                }
                Some(bytes) => keys.push(NamedKey {
                    id: id.to_owned(),
                    key: Secret::new(bytes),
                }),
            }
        }
        keys
    }
}

fn is_key_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=32).contains(&id.len()) && id.bytes().all(plain)
}
