//! Pages by key: the cursor is the last row's key, so a page costs the same wherever it lies. It is bound
//! to its list and that list's filters: one from elsewhere would skip rows without a word.

use std::fmt::{self, Write as _};

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::kernel::collect::Collect;
use domain::kernel::fault::{Fault, Faults, Pointer};
use http::HeaderValue;
use http::header::LINK;
use infra::http::{ApiError, Json};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use super::private;

/// Rows of a page when nothing is said.
pub(crate) const PAGE_DEFAULT: u32 = 20;
/// Rows of a page at most.
pub(crate) const PAGE_MAX: u32 = 100;
/// Bytes of a key at most; the longest is a view, a kind and a stream.
const KEY_MAX: usize = 200;

/// Where a page ended. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String)]
pub(crate) struct Cursor(Ended);

/// The last row of a page, and the list that it was of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ended {
    list: [u8; 8],
    key: Vec<u8>,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (list, key) = bytes.split_first_chunk()?;
        (key.len() <= KEY_MAX).then(|| {
            Self(Ended {
                list: *list,
                key: key.to_vec(),
            })
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.0.list.as_slice(), &self.0.key].concat();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Collect for Cursor {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let read = value.as_str().and_then(Self::parse);
        if read.is_none() {
            faults.add(
                "cursor_malformed",
                at,
                "a cursor comes from the Link of the page before",
            );
        }
        read
    }
}

/// What a list is ordered by.
pub(crate) trait Key: Sized {
    /// As a cursor carries it.
    fn to_bytes(&self) -> Vec<u8>;
    /// What [`Key::to_bytes`] has made.
    fn of_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Key for Uuid {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

/// A list as somebody asked for it.
#[derive(Clone, Debug)]
pub(crate) struct List {
    path: &'static str,
    whose: Uuid,
    filters: Vec<(&'static str, String)>,
}

impl List {
    /// The list at `path`, as this person sees it.
    pub(crate) fn new(path: &'static str, whose: impl Into<Uuid>) -> Self {
        Self {
            path,
            whose: whose.into(),
            filters: Vec::new(),
        }
    }

    /// With only what this filter lets through, where it is set.
    pub(crate) fn with(mut self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        self.filters
            .extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Where the page begins: after this key.
    ///
    /// # Errors
    /// 422 when the cursor is of another list, of other filters or of somebody else.
    pub(crate) fn after<K: Key>(&self, cursor: Option<&Cursor>) -> Result<Option<K>, ApiError> {
        let Some(cursor) = cursor else {
            return Ok(None);
        };
        let key = K::of_bytes(&cursor.0.key).filter(|_| cursor.0.list == self.tag());
        key.map(Some).ok_or_else(|| {
            ApiError::invalid(vec![Fault {
                code: "cursor_foreign".to_owned(),
                pointer: "/cursor".to_owned(),
                detail: "this cursor is of another list, or of other filters".to_owned(),
            }])
        })
    }

    /// Cuts off what was read beyond the page, to see whether there is more; gives the cursor if so.
    pub(crate) fn cut<T, K: Key>(
        &self,
        rows: &mut Vec<T>,
        limit: u32,
        key: impl Fn(&T) -> K,
    ) -> Option<Cursor> {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().filter(|_| more)?;
        Some(Cursor(Ended {
            list: self.tag(),
            key: key(last).to_bytes(),
        }))
    }

    /// The answer with a page, and with a link to the next one if there is one.
    pub(crate) fn answer(
        &self,
        page: impl Serialize,
        limit: u32,
        next: Option<&Cursor>,
    ) -> Response {
        let mut response = private(Json::<_>(page).into_response());
        let link = next.map(|cursor| HeaderValue::from_str(&self.link(limit, cursor)));
        if let Some(Ok(link)) = link {
            response.headers_mut().insert(LINK, link);
        }
        response
    }

    /// The `Link` of the next page (RFC 8288): the same filters, and where to go on.
    fn link(&self, limit: u32, cursor: &Cursor) -> String {
        let mut link = format!("<{}?limit={limit}", self.path);
        for (name, value) in &self.filters {
            link.push('&');
            link.push_str(name);
            link.push('=');
            push_encoded(&mut link, value);
        }
        format!("{link}&cursor={cursor}>; rel=\"next\"")
    }

    /// Tells lists apart: FNV-1a, 64 bits. A cursor gives nobody any right, so it needs no key.
    fn tag(&self) -> [u8; 8] {
        let filters = self.filters.iter();
        let filters = filters.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        let parts = [self.path.as_bytes(), self.whose.as_bytes()];
        let hash = parts.into_iter().chain(filters).fold(
            0xcbf2_9ce4_8422_2325_u64,
            // A byte that no text holds ends each part.
            |hash, part| {
                let bytes = part.iter().chain(&[0xff]);
                bytes.fold(hash, |hash, byte| {
                    (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
                })
            },
        );
        hash.to_be_bytes()
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3) and the comma, which divides lists.
fn push_encoded(link: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(link, "%{byte:02X}").unwrap_or_default();
        }
    }
}

/// The limit, if it is one.
///
/// # Errors
/// 422 when it is not between 1 and 100.
pub(crate) fn limit_of(limit: u32) -> Result<u32, ApiError> {
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::invalid(vec![Fault {
        code: "limit_out_of_range".to_owned(),
        pointer: "/limit".to_owned(),
        detail: format!("a page has 1 to {PAGE_MAX} rows"),
    }]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list() -> List {
        List::new("/v1/orders", Uuid::from_u128(1)).with("state", Some("placed,accepted"))
    }

    fn next(list: &List, rows: &[u128]) -> Cursor {
        let mut rows: Vec<Uuid> = rows.iter().copied().map(Uuid::from_u128).collect();
        list.cut(&mut rows, 1, |row| *row).unwrap()
    }

    #[test]
    fn a_cursor_goes_on_in_its_own_list_alone() {
        let cursor = next(&list(), &[7, 6]);
        let read = Cursor::parse(&cursor.to_string()).unwrap();
        assert_eq!(
            list().after::<Uuid>(Some(&read)).unwrap(),
            Some(Uuid::from_u128(7))
        );
        let whose = Uuid::from_u128(1);
        for other in [
            List::new("/v1/orders", whose),
            List::new("/v1/orders", whose).with("state", Some("placed")),
            List::new("/v1/orders", whose).with("shop", Some("placed,accepted")),
            List::new("/v1/orders", Uuid::from_u128(2)).with("state", Some("placed,accepted")),
            List::new("/v1/ops/orders", whose).with("state", Some("placed,accepted")),
        ] {
            let error = other.after::<Uuid>(Some(&read)).unwrap_err();
            assert_eq!(error.status(), 422, "{other:?}");
            assert_eq!(error.faults()[0].code, "cursor_foreign");
        }
    }

    #[test]
    fn a_link_keeps_filters_whatever_is_in_them() {
        let list = List::new("/v1/ops/orders", Uuid::nil()).with("city", Some("Málaga & co>\r\n"));
        let cursor = next(&list, &[7, 6]);
        assert_eq!(
            list.link(5, &cursor),
            format!(
                "</v1/ops/orders?limit=5&city=M%C3%A1laga%20%26%20co%3E%0D%0A&cursor={cursor}>; rel=\"next\""
            )
        );
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let mut rows = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
        assert_eq!(list().cut(&mut rows, 2, |row| *row), None);
        assert_eq!(rows.len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_a_cursor_or_a_fault(text in ".{0,300}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.to_string(), text);
                prop_assert!(list().after::<Uuid>(Some(&cursor)).is_err());
            }
        }
    }
}
