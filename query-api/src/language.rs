//! Which language a menu is read in: `?lang=`, else `Accept-Language`, else the menu's own.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use domain::kernel::text::Language;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use infra::http::ApiError;

/// Wishes read from one header; more are not looked at.
const WISHES_MAX: usize = 10;

/// The languages somebody reads, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AcceptLanguage(Vec<String>);

impl<S: Sync> FromRequestParts<S> for AcceptLanguage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let header = parts
            .headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        Ok(Self::parse(header.unwrap_or_default()))
    }
}

impl AcceptLanguage {
    /// Reads a header's value (RFC 9110 §12.5.4). What is malformed is left out: a wish is no command.
    fn parse(header: &str) -> Self {
        let mut wishes: Vec<(u32, String)> = header
            .split(',')
            .take(WISHES_MAX)
            .filter_map(|wish| {
                let mut parts = wish.split(';');
                let tag = parts.next()?.trim();
                let weight = parts
                    .find_map(|part| part.trim().strip_prefix("q="))
                    .map_or(Some(1000), thousandths)?;
                (weight > 0 && (tag == "*" || Language::parse(tag).is_ok()))
                    .then(|| (weight, tag.to_ascii_lowercase()))
            })
            .collect();
        wishes.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        Self(wishes.into_iter().map(|(_, tag)| tag).collect())
    }

    /// One language only, as `?lang=` says it.
    pub(crate) fn only(tag: &str) -> Self {
        Self(vec![tag.to_ascii_lowercase()])
    }

    /// The best of `offered`, compared by primary language; `default` when none fits.
    pub(crate) fn choose(&self, offered: &[String], default: &str) -> String {
        let primary = |tag: &str| {
            tag.split('-')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        for wish in &self.0 {
            if wish == "*" {
                break;
            }
            let exact = offered.iter().find(|tag| tag.eq_ignore_ascii_case(wish));
            let close = || offered.iter().find(|tag| primary(tag) == primary(wish));
            if let Some(found) = exact.or_else(close) {
                return found.clone();
            }
        }
        default.to_owned()
    }
}

/// `q=0.123` as whole thousandths.
pub(crate) fn thousandths(weight: &str) -> Option<u32> {
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 1 && digits)?;
    let fraction: u32 = format!("{fraction:0<3}").parse().ok()?;
    Some((whole * 1000 + fraction).min(1000))
}

/// A text in several languages in one of them: the wanted one, else the default, else any.
pub(crate) fn pick<'a>(
    texts: &'a BTreeMap<String, String>,
    wanted: &str,
    default: &str,
) -> Option<&'a str> {
    let text = texts
        .get(wanted)
        .or_else(|| texts.get(default))
        .or_else(|| texts.values().next());
    text.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(header: &str) -> String {
        let offered = ["en".to_owned(), "ja".to_owned(), "zh-Hant".to_owned()];
        AcceptLanguage::parse(header).choose(&offered, "ja")
    }

    #[test]
    fn the_heaviest_wish_that_is_offered_wins() {
        assert_eq!(chosen("fr;q=0.9, en-GB;q=0.8, ja;q=0.1"), "en");
        assert_eq!(chosen("zh-TW, en;q=0.5"), "zh-Hant");
        assert_eq!(chosen("en;q=0.001, ja;q=0.002"), "ja");
    }

    #[test]
    fn without_a_wish_that_fits_it_is_the_menus_own() {
        for header in ["", "*", "fr", "en;q=0", "en;q=2", ";;,,q=", "en;q=0.1234"] {
            assert_eq!(chosen(header), "ja", "{header}");
        }
    }
}
