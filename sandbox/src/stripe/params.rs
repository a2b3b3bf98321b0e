//! The parameters of a call: bracketed form fields, taken one by one; what is left is unknown.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::model::Metadata;
use crate::form;

/// Metadata limits: keys, characters of a key, characters of a value (docs.stripe.com/metadata).
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_MAX: usize = 40;
const METADATA_VALUE_MAX: usize = 500;

/// The fields of a call that have not been taken yet.
#[derive(Debug, Clone)]
pub(crate) struct Params(Vec<(String, String)>);

/// A range of creation times in Unix seconds; every bound given must hold.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Created {
    exactly: Option<i64>,
    gt: Option<i64>,
    gte: Option<i64>,
    lt: Option<i64>,
    lte: Option<i64>,
}

impl Created {
    pub(crate) fn holds(self, at: i64) -> bool {
        self.exactly.is_none_or(|bound| at == bound)
            && self.gt.is_none_or(|bound| at > bound)
            && self.gte.is_none_or(|bound| at >= bound)
            && self.lt.is_none_or(|bound| at < bound)
            && self.lte.is_none_or(|bound| at <= bound)
    }
}

impl Params {
    /// The parameters of a query or form body.
    pub(crate) fn parse(text: &str) -> Self {
        Self(form::pairs(text))
    }

    /// Equal for equal parameters in any order.
    pub(crate) fn fingerprint(&self) -> String {
        let mut sorted: Vec<&(String, String)> = self.0.iter().collect();
        sorted.sort();
        let mut context = digest::Context::new(&digest::SHA256);
        for (name, value) in sorted {
            for part in [name, value] {
                context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                context.update(part.as_bytes());
            }
        }
        hex::encode(context.finish())
    }

    /// A text; empty counts as absent, as Stripe unsets a field with it.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(found, _)| found == name)?;
        let (_, value) = self.0.remove(at);
        (!value.is_empty()).then_some(value)
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<String, ApiError> {
        self.text(name).ok_or_else(|| missing(name))
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let parsed = text.parse::<i64>().map(Some);
        parsed.map_err(|_| {
            ApiError::invalid(
                "parameter_invalid_integer",
                name,
                format!("Invalid integer: {text}"),
            )
        })
    }

    /// An integer that must be there.
    pub(crate) fn required_integer(&mut self, name: &str) -> Result<i64, ApiError> {
        self.integer(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(ApiError::invalid(
                "parameter_invalid_boolean",
                name,
                format!("Invalid boolean: {other}"),
            )),
        }
    }

    /// One of `choices`.
    pub(crate) fn choice(
        &mut self,
        name: &str,
        choices: &[&str],
    ) -> Result<Option<String>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        if choices.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let message = format!("Invalid {name}: must be one of {}", choices.join(", "));
        Err(ApiError::invalid("parameter_invalid_value", name, message))
    }

    /// The values of `name[]` or `name[0]`, `name[1]`, ….
    pub(crate) fn list(&mut self, name: &str) -> Vec<String> {
        self.take_under(name).into_values().collect()
    }

    /// The values of `name[key]`.
    fn take_under(&mut self, name: &str) -> BTreeMap<String, String> {
        let mut taken = BTreeMap::new();
        let mut unnamed = 0;
        self.0.retain(|(found, value)| {
            let Some(key) = inner(found, name) else {
                return true;
            };
            // `name[]` has no index of its own; order of arrival stands for it.
            let key = if key.is_empty() {
                format!("{unnamed:06}")
            } else {
                key.to_owned()
            };
            unnamed += 1;
            taken.insert(key, value.clone());
            false
        });
        taken
    }

    /// `metadata[…]`, within Stripe's limits.
    pub(crate) fn metadata(&mut self) -> Result<Metadata, ApiError> {
        let pairs = self.take_under("metadata");
        let refuse = |message: String| {
            Err(ApiError::invalid(
                "parameter_invalid_string_blank",
                "metadata",
                message,
            ))
        };
        if pairs.len() > METADATA_KEYS_MAX {
            return refuse(format!("Metadata can have up to {METADATA_KEYS_MAX} keys."));
        }
        for (key, value) in &pairs {
            if key.chars().count() > METADATA_KEY_MAX {
                return refuse(format!(
                    "Metadata keys can be up to {METADATA_KEY_MAX} characters."
                ));
            }
            if value.chars().count() > METADATA_VALUE_MAX {
                return refuse(format!(
                    "Metadata values can be up to {METADATA_VALUE_MAX} characters, but you passed \
                     in a value for '{key}' that is longer."
                ));
            }
        }
        Ok(pairs)
    }

    /// Everything under `name[…]` as a JSON object.
    pub(crate) fn tree(&mut self, name: &str) -> Option<Value> {
        let mut tree = Map::new();
        self.0.retain(|(found, value)| {
            let Some(path) = found
                .strip_prefix(name)
                .filter(|rest| rest.starts_with('['))
            else {
                return true;
            };
            let keys: Vec<&str> = path.trim_matches(['[', ']']).split("][").collect();
            insert(&mut tree, &keys, value);
            false
        });
        (!tree.is_empty()).then_some(Value::Object(tree))
    }

    /// The range of `created`.
    pub(crate) fn created(&mut self) -> Result<Created, ApiError> {
        Ok(Created {
            exactly: self.integer("created")?,
            gt: self.integer("created[gt]")?,
            gte: self.integer("created[gte]")?,
            lt: self.integer("created[lt]")?,
            lte: self.integer("created[lte]")?,
        })
    }

    /// Refuses whatever was not taken.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::invalid(
                "parameter_unknown",
                name,
                format!("Received unknown parameter: {name}"),
            )),
        }
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::invalid(
        "parameter_missing",
        name,
        format!("Missing required param: {name}."),
    )
}

/// The key in `name[key]`.
fn inner<'a>(found: &'a str, name: &str) -> Option<&'a str> {
    found
        .strip_prefix(name)?
        .strip_prefix('[')?
        .strip_suffix(']')
}

fn insert(tree: &mut Map<String, Value>, keys: &[&str], value: &str) {
    match keys {
        [] => {}
        [last] => {
            tree.insert((*last).to_owned(), Value::String(value.to_owned()));
        }
        [first, rest @ ..] => {
            let branch = tree
                .entry(*first)
                .or_insert_with(|| Value::Object(Map::new()))
                .as_object_mut();
            if let Some(branch) = branch {
                insert(branch, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_parameters_does_not_change_the_fingerprint() {
        let one = Params::parse("amount=100&metadata[a]=1");
        assert_eq!(
            one.fingerprint(),
            Params::parse("metadata%5Ba%5D=1&amount=100").fingerprint()
        );
        assert_ne!(
            one.fingerprint(),
            Params::parse("amount=101&metadata[a]=1").fingerprint()
        );
        assert_ne!(
            Params::parse("a=bc").fingerprint(),
            Params::parse("ab=c").fingerprint(),
        );
    }

    #[test]
    fn lists_come_with_and_without_indices() {
        let mut params = Params::parse("expand[0]=a&expand[1]=b&types[]=x&types[]=y");
        assert_eq!(params.list("expand"), ["a", "b"]);
        assert_eq!(params.list("types"), ["x", "y"]);
        assert!(params.finish().is_ok());
    }

    #[test]
    fn what_is_left_is_unknown() {
        let mut params = Params::parse("amount=1&amuont=2");
        assert_eq!(params.integer("amount").expect("a number"), Some(1));
        let error = params.finish().expect_err("amuont is unknown");
        assert!(error.message().contains("amuont"));
    }

    #[test]
    fn nested_fields_become_an_object() {
        let mut params = Params::parse("shipping[name]=A&shipping[address][line1]=B");
        let expected = serde_json::json!({"name": "A", "address": {"line1": "B"}});
        assert_eq!(params.tree("shipping"), Some(expected));
    }
}
