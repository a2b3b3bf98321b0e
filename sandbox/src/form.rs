//! Form-encoded text (`application/x-www-form-urlencoded`) as pairs of name and value.

/// The pairs of a query or body, in order. Bytes that are no UTF-8 become U+FFFD.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// The value of the first pair called `name`.
pub(crate) fn first(text: &str, name: &str) -> Option<String> {
    pairs(text)
        .into_iter()
        .find_map(|(found, value)| (found == name).then_some(value))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match after
                .first_chunk::<2>()
                .and_then(|pair| hex::decode(pair).ok())
            {
                Some(decoded) => {
                    bytes.extend(decoded);
                    rest = &after[2..];
                }
                None => bytes.push(b'%'),
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let read = pairs("metadata%5Border_id%5D=a+b%26c&expand[]=latest_charge&flag&bad=%zz%4");
        let expected = [
            ("metadata[order_id]", "a b&c"),
            ("expand[]", "latest_charge"),
            ("flag", ""),
            ("bad", "%zz%4"),
        ];
        assert_eq!(
            read,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}
