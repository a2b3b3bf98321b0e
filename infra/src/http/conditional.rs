//! Conditional requests (RFC 9110 §13): versions as strong tags, so that nobody overwrites what they
//! have not seen and nobody is sent what they have.

use std::fmt;

use axum::extract::FromRequestParts;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::problem::ApiError;

/// The tag of a representation: a version, and for menus more parts behind dots. Made of visible ASCII
/// characters without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(String);

impl Etag {
    /// The tag of a thing that has only a version.
    pub fn version(version: i64) -> Self {
        Self(version.to_string())
    }

    /// A tag of several parts, the version first, as `7.3.ja`. Characters that a tag may not hold are
    /// left out.
    pub fn parts(version: i64, rest: &[&str]) -> Self {
        let mut tag = version.to_string();
        for part in rest {
            tag.push('.');
            tag.extend(part.chars().filter(|c| c.is_ascii_graphic() && *c != '"'));
        }
        Self(tag)
    }

    /// As a header's value, quoted.
    ///
    /// # Panics
    /// Never: the constructors keep what a header may not hold out of a tag.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&format!("\"{}\"", self.0)).expect("a tag is visible ASCII")
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// What a list of tags in a header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<String>),
}

/// The tags of a header, without quotes; `None` when there is no such header.
fn tags(headers: &HeaderMap, name: &HeaderName, keep_weak: bool) -> Result<Option<Tags>, ApiError> {
    let mut found = Vec::new();
    let mut any = false;
    let mut present = false;
    for value in headers.get_all(name) {
        present = true;
        let malformed =
            || ApiError::malformed("malformed_etag", format!("{name} holds no list of tags"));
        let text = value.to_str().map_err(|_| malformed())?.trim();
        if text == "*" {
            any = true;
            continue;
        }
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (weak, quoted) = rest
                .strip_prefix("W/")
                .map_or((false, rest), |rest| (true, rest));
            let (tag, after) = quoted
                .strip_prefix('"')
                .and_then(|quoted| quoted.split_once('"'))
                .ok_or_else(malformed)?;
            if !tag
                .bytes()
                .all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte))
            {
                return Err(malformed());
            }
            if !weak || keep_weak {
                found.push(tag.to_owned());
            }
            rest = after;
        }
    }
    Ok(present.then_some(if any { Tags::Any } else { Tags::These(found) }))
}

/// A compressed variant's tag ends in `-gzip` and the like; what stands before is the version.
fn bare(tag: &str) -> &str {
    tag.split(['.', '-']).next().unwrap_or(tag)
}

/// `If-Match`: the version that a write builds on.
#[derive(Clone, Debug)]
pub struct IfMatch(Option<Tags>);

impl IfMatch {
    /// Refuses the write when it builds on another version than `current`. Without the header it goes on.
    ///
    /// # Errors
    /// 412 with the current tag.
    pub fn check(&self, current: i64) -> Result<(), ApiError> {
        let current = Etag::version(current);
        let holds = match &self.0 {
            None | Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags.iter().any(|tag| bare(tag) == current.0),
        };
        if holds {
            Ok(())
        } else {
            Err(ApiError::precondition_failed(&current))
        }
    }

    /// The one version that a write builds on, for a check that is made later; none without the header or
    /// with `*`.
    ///
    /// # Errors
    /// 400 when the header names several versions or none of ours.
    pub fn version(&self) -> Result<Option<i64>, ApiError> {
        let Some(Tags::These(tags)) = &self.0 else {
            return Ok(None);
        };
        let malformed = || ApiError::malformed("malformed_etag", "If-Match must name one version");
        match tags.as_slice() {
            [tag] => bare(tag).parse().map(Some).map_err(|_| malformed()),
            _ => Err(malformed()),
        }
    }

    /// Whether the header is there.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Refuses a whole-document write that does not say what it builds on. A document that does not
    /// exist yet (`current` 0) may also be guarded by `If-None-Match: *`.
    ///
    /// # Errors
    /// 428 without the header, 412 with another version.
    pub fn require(&self, guard: &IfNoneMatch, current: i64) -> Result<(), ApiError> {
        if matches!(guard.0, Some(Tags::Any)) {
            let absent = current == 0;
            return if absent {
                Ok(())
            } else {
                Err(ApiError::precondition_failed(&Etag::version(current)))
            };
        }
        if self.0.is_none() {
            Err(ApiError::precondition_required())
        } else {
            self.check(current)
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // A weak tag never matches strongly (RFC 9110 §8.8.3.2).
        tags(&parts.headers, &IF_MATCH, false).map(Self)
    }
}

/// `If-None-Match`: the versions that a reader has.
#[derive(Clone, Debug)]
pub struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// Whether the reader has `current`: answer 304.
    pub fn has(&self, current: &Etag) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags
                .iter()
                .any(|tag| tag == &current.0 || is_variant(tag, &current.0)),
        }
    }
}

/// Whether `tag` is `current` with the suffix of a compressed variant.
fn is_variant(tag: &str, current: &str) -> bool {
    ["-gzip", "-br", "-zstd"]
        .iter()
        .any(|suffix| tag.strip_suffix(suffix) == Some(current))
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        tags(&parts.headers, &IF_NONE_MATCH, true).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn if_match(value: Option<&str>) -> Result<IfMatch, ApiError> {
        IfMatch::from_request_parts(&mut parts(&IF_MATCH, value), &()).await
    }

    async fn if_none_match(value: Option<&str>) -> Result<IfNoneMatch, ApiError> {
        IfNoneMatch::from_request_parts(&mut parts(&IF_NONE_MATCH, value), &()).await
    }

    fn parts(name: &HeaderName, value: Option<&str>) -> Parts {
        let mut request = http::Request::new(()).into_parts().0;
        if let Some(value) = value {
            request
                .headers
                .insert(name, HeaderValue::from_str(value).unwrap());
        }
        request
    }

    #[tokio::test]
    async fn a_write_on_the_current_version_goes_on() {
        for value in ["\"7\"", "\"7.3.ja\"", "\"7-gzip\"", "\"6\", \"7\"", "*"] {
            assert!(
                if_match(Some(value)).await.unwrap().check(7).is_ok(),
                "{value}"
            );
        }
        assert!(if_match(None).await.unwrap().check(7).is_ok());
    }

    #[tokio::test]
    async fn a_write_on_another_version_is_refused_with_the_current_one() {
        for value in ["\"6\"", "W/\"7\"", "\"77\"", "\"\""] {
            let error = if_match(Some(value)).await.unwrap().check(7).unwrap_err();
            assert_eq!(error.status(), 412, "{value}");
        }
    }

    #[tokio::test]
    async fn the_version_can_be_checked_later() {
        assert_eq!(
            if_match(Some("\"7.3.ja\""))
                .await
                .unwrap()
                .version()
                .unwrap(),
            Some(7)
        );
        assert_eq!(if_match(Some("*")).await.unwrap().version().unwrap(), None);
        assert_eq!(if_match(None).await.unwrap().version().unwrap(), None);
        for value in ["\"a\"", "\"1\", \"2\"", "W/\"1\""] {
            assert_eq!(
                if_match(Some(value))
                    .await
                    .unwrap()
                    .version()
                    .unwrap_err()
                    .status(),
                400
            );
        }
    }

    #[tokio::test]
    async fn a_whole_document_needs_its_version() {
        let none = if_none_match(None).await.unwrap();
        let absent = if_match(None).await.unwrap();
        assert_eq!(absent.require(&none, 3).unwrap_err().status(), 428);
        assert!(
            if_match(Some("\"3\""))
                .await
                .unwrap()
                .require(&none, 3)
                .is_ok()
        );
        let creates = if_none_match(Some("*")).await.unwrap();
        assert!(absent.require(&creates, 0).is_ok());
        assert_eq!(absent.require(&creates, 3).unwrap_err().status(), 412);
    }

    #[tokio::test]
    async fn a_reader_with_the_current_version_gets_nothing() {
        let tag = Etag::parts(7, &["3", "ja"]);
        for value in [
            "\"7.3.ja\"",
            "W/\"7.3.ja\"",
            "\"7.3.ja-br\"",
            "\"1\", \"7.3.ja\"",
            "*",
        ] {
            assert!(
                if_none_match(Some(value)).await.unwrap().has(&tag),
                "{value}"
            );
        }
        for value in ["\"7\"", "\"7.4.ja\""] {
            assert!(
                !if_none_match(Some(value)).await.unwrap().has(&tag),
                "{value}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_tag_is_refused() {
        for value in ["7", "\"7", "\"a b\"", "W/7", "\"7\";x"] {
            assert_eq!(
                if_match(Some(value)).await.unwrap_err().status(),
                400,
                "{value}"
            );
        }
    }

    #[test]
    fn a_tag_is_always_a_header() {
        assert_eq!(Etag::parts(1, &["a\"b\r\n\u{e9}"]).to_string(), "\"1.ab\"");
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(text in "[ -~]{0,40}") {
            let mut headers = HeaderMap::new();
            headers.insert(IF_MATCH, HeaderValue::from_str(&text).unwrap());
            drop(tags(&headers, &IF_MATCH, true));
        }
    }
}
