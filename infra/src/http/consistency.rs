//! Reading what one has written. A write answers with a token: the streams that it wrote and their new
//! versions. A read that sends the token waits for its rows to have folded them.

use std::fmt;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::aggregates::Kind;
use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use uuid::Uuid;

use super::problem::ApiError;
use crate::event_store::StreamId;
use crate::limits;

/// Carries the token, in answers to writes and in reads.
pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("x-consistency-token");
/// Says `stale` on a read that does not show yet what the token names.
pub const CONSISTENCY: HeaderName = HeaderName::from_static("x-consistency");

/// The streams that a write wrote, each with its version after it. Opaque to clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyToken(Vec<(StreamId, i64)>);

/// A token that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid consistency token")]
pub struct InvalidToken;

/// The token's text for streams and their versions.
pub fn encode(written: &[(StreamId, i64)]) -> String {
    let text: Vec<_> = written
        .iter()
        .map(|(stream, sequence)| format!("{stream}:{sequence}"))
        .collect();
    URL_SAFE_NO_PAD.encode(text.join(","))
}

impl ConsistencyToken {
    /// A token for streams and their versions.
    pub fn new(written: Vec<(StreamId, i64)>) -> Self {
        Self(written)
    }

    /// The streams and the versions that a reader wants to see.
    pub fn streams(&self) -> &[(StreamId, i64)] {
        &self.0
    }

    /// The version of one stream that a reader wants to see, if the token names it. `kind` is the
    /// aggregate's, as in `ordering.order`.
    pub fn version_of(&self, kind: &str, id: Uuid) -> Option<i64> {
        let named = |stream: &StreamId| stream.kind.as_str() == kind && stream.id == id;
        self.0
            .iter()
            .find(|(stream, _)| named(stream))
            .map(|(_, sequence)| *sequence)
    }
}

impl fmt::Display for ConsistencyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl FromStr for ConsistencyToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let text = String::from_utf8(bytes).map_err(|_| InvalidToken)?;
        let streams: Option<Vec<_>> = text
            .split(',')
            .take(limits::CONSISTENCY_STREAMS_MAX + 1)
            .map(stream)
            .collect();
        match streams {
            Some(streams) if streams.len() <= limits::CONSISTENCY_STREAMS_MAX => Ok(Self(streams)),
            Some(_) | None => Err(InvalidToken),
        }
    }
}

fn stream(text: &str) -> Option<(StreamId, i64)> {
    let mut parts = text.split(':');
    let (kind, id, sequence) = (parts.next()?, parts.next()?, parts.next()?);
    let stream = StreamId {
        kind: Kind::parse(kind).ok()?,
        id: Uuid::try_parse(id).ok()?,
    };
    let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
    parts.next().is_none().then_some((stream, sequence))
}

/// What a read is asked to show.
#[derive(Clone, Debug, Default)]
pub struct Consistency {
    /// What must have been folded; none: whatever there is.
    pub token: Option<ConsistencyToken>,
    /// Whether the reader prefers a refusal to a stale answer (`Prefer: handling=strict`, RFC 7240).
    pub strict: bool,
}

impl Consistency {
    /// What to say when the read waited and the rows are (`caught_up`) or are not there: nothing, or the
    /// header `X-Consistency: stale`.
    ///
    /// # Errors
    /// 412 when they are not and the reader is strict.
    pub fn verdict(&self, caught_up: bool) -> Result<HeaderMap, ApiError> {
        let mut headers = HeaderMap::new();
        if caught_up || self.token.is_none() {
            return Ok(headers);
        }
        let stale = HeaderValue::from_static("stale");
        if self.strict {
            return Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "stale")
                .with_detail("what the consistency token names is not shown yet")
                .with_header(CONSISTENCY, stale));
        }
        headers.insert(CONSISTENCY, stale);
        Ok(headers)
    }
}

impl<S: Sync> FromRequestParts<S> for Consistency {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let token = match parts.headers.get(&CONSISTENCY_TOKEN) {
            None => None,
            Some(value) => {
                let token = value
                    .to_str()
                    .ok()
                    .and_then(|text| text.trim().parse().ok());
                Some(token.ok_or_else(|| {
                    ApiError::malformed("malformed_consistency_token", "the token is none of ours")
                })?)
            }
        };
        Ok(Self {
            token,
            strict: is_strict(&parts.headers),
        })
    }
}

fn is_strict(headers: &HeaderMap) -> bool {
    let values = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next())
        .filter_map(|preference| preference.split_once('='))
        .any(|(name, value)| {
            name.trim().eq_ignore_ascii_case("handling")
                && value
                    .trim()
                    .trim_matches('"')
                    .eq_ignore_ascii_case("strict")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order(id: u128) -> StreamId {
        StreamId {
            kind: Kind::parse("ordering.order").unwrap(),
            id: Uuid::from_u128(id),
        }
    }

    #[test]
    fn a_token_says_which_version_of_a_stream() {
        let token: ConsistencyToken = encode(&[(order(1), 7), (order(2), 1)]).parse().unwrap();
        assert_eq!(
            token.version_of("ordering.order", Uuid::from_u128(1)),
            Some(7)
        );
        assert_eq!(token.version_of("ordering.cart", Uuid::from_u128(1)), None);
        assert_eq!(token.streams().len(), 2);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let id = Uuid::from_u128(1);
        let many = vec![(order(1), 1); limits::CONSISTENCY_STREAMS_MAX + 1];
        for text in [
            String::new(),
            "%%%".to_owned(),
            encoded("ordering.order"),
            encoded(&format!("ordering.soup:{id}:1")),
            encoded(&format!("ordering.order:{id}:0")),
            encoded(&format!("ordering.order:{id}:-1")),
            encoded(&format!("ordering.order:{id}:1:1")),
            encoded(&format!("ordering.order:{id}:1,")),
            encode(&many),
        ] {
            assert_eq!(
                text.parse::<ConsistencyToken>(),
                Err(InvalidToken),
                "{text}"
            );
        }
    }

    async fn extract(pairs: &[(&'static str, &str)]) -> Result<Consistency, ApiError> {
        let mut parts = http::Request::new(()).into_parts().0;
        for (name, value) in pairs {
            parts
                .headers
                .append(*name, HeaderValue::from_str(value).unwrap());
        }
        Consistency::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_stale_answer_says_so_or_is_refused_when_strict() {
        let token = encode(&[(order(1), 7)]);
        let lenient = extract(&[("x-consistency-token", &token)]).await.unwrap();
        assert_eq!(lenient.verdict(false).unwrap()[&CONSISTENCY], "stale");
        assert!(lenient.verdict(true).unwrap().is_empty());
        let prefer = ("prefer", "respond-async, Handling=\"strict\"; x=1");
        let strict = extract(&[("x-consistency-token", &token), prefer])
            .await
            .unwrap();
        assert_eq!(strict.verdict(false).unwrap_err().status(), 412);
        assert!(
            extract(&[prefer])
                .await
                .unwrap()
                .verdict(false)
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            extract(&[("x-consistency-token", "?")])
                .await
                .unwrap_err()
                .status(),
            400
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,80}") {
            if let Ok(token) = text.parse::<ConsistencyToken>() {
                prop_assert_eq!(token.to_string().parse(), Ok(token));
            }
        }

        #[test]
        fn what_is_written_is_read(ids in prop::collection::vec((any::<u128>(), 1_i64..), 1..16)) {
            let written: Vec<_> = ids.into_iter().map(|(id, sequence)| (order(id), sequence)).collect();
            prop_assert_eq!(encode(&written).parse(), Ok(ConsistencyToken(written)));
        }
    }
}
