//! Which form of a receipt is wanted, by `Accept` (RFC 9110 §12.5.1).

use axum::extract::FromRequestParts;
use http::header::ACCEPT;
use http::request::Parts;
use infra::http::ApiError;

/// Media ranges read from one header; more are not looked at.
const RANGES_MAX: usize = 20;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For programs.
    Json,
    /// For people.
    Html,
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let header = parts.headers.get(ACCEPT);
        let header = header.and_then(|value| value.to_str().ok());
        Ok(Self::parse(header.unwrap_or_default()))
    }
}

impl Form {
    /// A page when it is named and weighs more than JSON, or as much and stands before it; else JSON.
    fn parse(header: &str) -> Self {
        let ranges = || header.split(',').take(RANGES_MAX).enumerate();
        let best = |types: &[&str]| {
            ranges()
                .filter_map(|(place, range)| {
                    Some((weight(range, types)?, std::cmp::Reverse(place)))
                })
                .filter(|(weight, _)| *weight > 0)
                .max()
        };
        let page = best(&["text/html", "application/xhtml+xml"]);
        let json = best(&["application/json", "application/*", "*/*"]);
        if page > json { Self::Html } else { Self::Json }
    }
}

/// The weight of a media range in thousandths, when it is one of these.
fn weight(range: &str, types: &[&str]) -> Option<u32> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?;
    types
        .iter()
        .find(|known| name.eq_ignore_ascii_case(known))?;
    let weight = parts.find_map(|part| part.strip_prefix("q="));
    weight.map_or(Some(1000), crate::language::thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page_and_programs_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for header in [
            browser,
            "text/html",
            "text/html;q=0.2, */*;q=0.1",
            "TEXT/HTML",
        ] {
            assert_eq!(Form::parse(header), Form::Html, "{header}");
        }
        for header in [
            "",
            "*/*",
            "application/json",
            "application/json, text/html",
            "text/html;q=0",
            "text/html;q=0.5, application/json",
            "text/html;q=x",
            ",;q=,",
        ] {
            assert_eq!(Form::parse(header), Form::Json, "{header}");
        }
    }
}
