//! The vendors' part of a caller's trace (<https://www.w3.org/TR/trace-context/#tracestate-header>). It is
//! ours to hand back with `traceparent`, not to read. What is malformed or oversized is dropped.

use std::collections::HashSet;
use std::sync::Arc;

use http::HeaderMap;

/// The header, in and out.
pub(super) const TRACESTATE: &str = "tracestate";
/// What every participant must pass on; more we do not.
const BYTES_MAX: usize = 512;
/// The standard's own limit.
const MEMBERS_MAX: usize = 32;

/// The list of a request, when it is one.
pub(super) fn of(headers: &HeaderMap) -> Option<Arc<str>> {
    let lines = headers.get_all(TRACESTATE).iter();
    // Several headers are one list, in their order.
    let lines: Option<Vec<&str>> = lines.map(|line| line.to_str().ok()).collect();
    let list = lines?.join(",");
    (list.len() <= BYTES_MAX && is_list(&list)).then(|| list.into())
}

/// Whether a list has a member, each is `key=value`, and no key comes twice. Members may be empty.
fn is_list(list: &str) -> bool {
    let members = list
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']));
    let mut keys = HashSet::new();
    let fine =
        members
            .filter(|member| !member.is_empty())
            .all(|member| match member.split_once('=') {
                Some((key, value)) => is_key(key) && is_value(value) && keys.insert(key),
                None => false,
            });
    fine && (1..=MEMBERS_MAX).contains(&keys.len())
}

fn is_key(key: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inner = |byte: u8| letter(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    key.len() <= 256 && key.bytes().next().is_some_and(letter) && key.bytes().all(inner)
}

fn is_value(value: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(TRACESTATE, HeaderValue::from_str(line).unwrap());
        }
        of(&headers).map(|list| list.to_string())
    }

    #[test]
    fn a_list_is_kept_as_it_came() {
        for list in ["rojo=00f067aa0ba902b7", "a@vendor=1, b=2 3,", "1a=x;y"] {
            assert_eq!(read(&[list]).as_deref(), Some(list));
        }
        assert_eq!(read(&["a=1", "b=2"]).as_deref(), Some("a=1,b=2"));
    }

    #[test]
    fn what_is_no_list_is_dropped() {
        assert_eq!(read(&[]), None);
        let many: Vec<_> = (0..33).map(|n| format!("k{n}=1")).collect();
        for list in [
            "",
            ",",
            "a",
            "A=1",
            "=1",
            "a=",
            "a=1=2",
            "a=1,a=2",
            "a=\t",
            &many.join(","),
        ] {
            assert_eq!(read(&[list]), None, "{list:?}");
        }
    }

    #[test]
    fn what_is_oversized_is_dropped() {
        let list = |bytes: usize| format!("a={},b={}", "x".repeat(250), "y".repeat(bytes - 255));
        assert_eq!(list(511).len(), 511);
        assert!(read(&[&list(511)]).is_some());
        assert!(read(&["a=1", &"z=".repeat(300)]).is_none());
        let three = format!("{},c={}", list(400), "z".repeat(111));
        assert_eq!((three.len(), read(&[&three])), (514, None));
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_panic(text in "[ -~]{0,600}") {
            prop_assert!(read(&[&text]).is_none_or(|list| list.len() <= BYTES_MAX));
        }
    }
}
