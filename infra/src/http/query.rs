//! Query strings: names and values into kernel values, with every fault at once. Unknown and repeated
//! names are refused. A list is given with commas.

use axum::extract::FromRequestParts;
use domain::decider::Fault;
use domain::kernel::collect::{Collect, collect};
use http::request::Parts;
use serde_json::{Map, Number, Value};

use super::problem::ApiError;
use crate::limits;

/// The query of a request. `T` has a `collect_struct!` line; a value that is text on the wire but a
/// number, a boolean or a list in `T` is read as such.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: Collect, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Parses a query string.
///
/// # Errors
/// 400 when it cannot be decoded, 422 with every fault when it is not what the route takes.
pub fn parse<T: Collect>(query: &str) -> Result<T, ApiError> {
    let mut members = Map::new();
    let mut faults = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = decode(name).zip(decode(value));
        let (name, value) = decoded.ok_or_else(|| {
            ApiError::malformed("malformed_query", "the query is not percent-encoded UTF-8")
        })?;
        if members.contains_key(&name) {
            faults.push(Fault {
                code: "duplicate_member".to_owned(),
                pointer: pointer(&name),
                detail: "this name is given twice".to_owned(),
            });
        }
        members.insert(name, Value::String(value));
    }
    match read(members) {
        Ok(value) if faults.is_empty() => Ok(value),
        Ok(_) => Err(ApiError::invalid(faults)),
        Err(more) => {
            faults.extend(more);
            faults.truncate(limits::FAULTS_MAX);
            Err(ApiError::invalid(faults))
        }
    }
}

/// Reads the members as texts, then those that `T` refuses as numbers or booleans, then as lists.
fn read<T: Collect>(mut members: Map<String, Value>) -> Result<T, Vec<Fault>> {
    let mut faults = Vec::new();
    for form in [scalar, list] {
        faults = match collect(&Value::Object(members.clone())) {
            Ok(value) => return Ok(value),
            Err(found) => found.0,
        };
        for fault in &faults {
            let name = first_step(&fault.pointer);
            if let Some(other) = members.get(&name).and_then(Value::as_str).and_then(form) {
                members.insert(name, other);
            }
        }
    }
    let found: Vec<Fault> = match collect(&Value::Object(members)) {
        Ok(value) => return Ok(value),
        Err(found) => found.0,
    };
    // What is no list either is worded as it was before it was tried as one.
    let before = |fault: Fault| {
        faults
            .iter()
            .find(|other| other.pointer == fault.pointer)
            .cloned()
            .unwrap_or(fault)
    };
    Err(found.into_iter().map(before).collect())
}

/// A whole number or a boolean. A fraction stays text: what takes one parses it itself.
fn scalar(text: &str) -> Option<Value> {
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        text => text
            .parse::<i64>()
            .ok()
            .filter(|_| !text.starts_with('+'))
            .map(Number::from)
            .map(Value::from),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "one form among others, which may not fit"
)]
fn list(text: &str) -> Option<Value> {
    Some(
        text.split(',')
            .filter(|item| !item.is_empty())
            .map(Value::from)
            .collect(),
    )
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The name that a pointer begins with.
fn first_step(pointer: &str) -> String {
    let step = pointer.split('/').nth(1).unwrap_or_default();
    step.replace("~1", "/").replace("~0", "~")
}

/// Percent-decodes; `+` is a space, as forms have it.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq)]
    struct Search {
        q: Option<String>,
        limit: u32,
        open: Option<bool>,
        style: Option<Vec<String>>,
    }
    domain::collect_struct!(Search { q, limit = 20, open, style });

    fn faults(query: &str) -> Vec<String> {
        let error = parse::<Search>(query).unwrap_err();
        error
            .faults()
            .iter()
            .map(|fault| fault.pointer.clone())
            .collect()
    }

    #[test]
    fn texts_numbers_booleans_and_lists_are_read() {
        assert_eq!(
            parse::<Search>("q=miso+%E5%91%B3%E5%99%8C&limit=5&open=true&style=miso,shoyu")
                .unwrap(),
            Search {
                q: Some("miso 味噌".to_owned()),
                limit: 5,
                open: Some(true),
                style: Some(vec!["miso".to_owned(), "shoyu".to_owned()]),
            }
        );
        assert_eq!(
            parse::<Search>("q=123&style=miso").unwrap().q.as_deref(),
            Some("123")
        );
        assert_eq!(parse::<Search>("").unwrap().limit, 20);
    }

    #[test]
    fn every_fault_is_reported() {
        let mut found = faults("limit=-1&open=maybe&colour=red&q=a&q=b");
        found.sort();
        found.dedup();
        assert_eq!(found, ["/colour", "/limit", "/open", "/q"]);
    }

    #[test]
    fn what_cannot_be_decoded_is_400() {
        for query in ["q=%", "q=%4", "q=%zz", "q=%ff"] {
            assert_eq!(parse::<Search>(query).unwrap_err().status(), 400, "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic(query in "\\PC{0,60}") {
            drop(parse::<Search>(&query));
        }
    }
}
