//! One look over a body for what serde would let through: deep nesting, and members given twice.

use std::borrow::Cow;
use std::collections::HashSet;

use domain::decider::Fault;

use crate::http::problem::ApiError;
use crate::limits;

/// A member's name as a step of a JSON pointer (RFC 6901).
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where the scan is.
enum Level<'a> {
    Object {
        seen: HashSet<Cow<'a, str>>,
        at: Cow<'a, str>,
    },
    List {
        index: usize,
    },
}

/// Looks once over the text for what serde lets through: deep nesting, and members given twice. Text that
/// is no JSON is left to the parser, which says where.
pub(super) fn scan(bytes: &[u8]) -> Result<(), ApiError> {
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut repeated: Vec<Fault> = Vec::new();
    let mut name_next = false;
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'{' | b'[' => {
                if levels.len() == limits::JSON_DEPTH_MAX {
                    let detail = format!("nested deeper than {}", limits::JSON_DEPTH_MAX);
                    return Err(ApiError::malformed("json_too_deep", detail));
                }
                name_next = *byte == b'{';
                levels.push(if name_next {
                    Level::Object {
                        seen: HashSet::new(),
                        at: Cow::Borrowed(""),
                    }
                } else {
                    Level::List { index: 0 }
                });
            }
            b'}' | b']' => {
                levels.pop();
                name_next = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::Object { .. }) => name_next = true,
                Some(Level::List { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let Some(length) = text_length(&bytes[index..]) else {
                    break;
                };
                if name_next {
                    name_next = false;
                    note_name(&bytes[index..index + length], &mut levels, &mut repeated);
                }
                index += length;
                continue;
            }
            _ => {}
        }
        index += 1;
    }
    if repeated.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(repeated))
    }
}

/// The length of the text literal that begins here, quotes included.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let mut index = 1;
    loop {
        match bytes.get(index)? {
            b'"' => return Some(index + 1),
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
}

fn note_name<'a>(literal: &'a [u8], levels: &mut [Level<'a>], repeated: &mut Vec<Fault>) {
    let inner = &literal[1..literal.len() - 1];
    // `"\u0061"` and `"a"` are one name.
    let name = if inner.contains(&b'\\') {
        serde_json::from_slice::<String>(literal)
            .ok()
            .map(Cow::Owned)
    } else {
        std::str::from_utf8(inner).ok().map(Cow::Borrowed)
    };
    let (Some(name), Some(Level::Object { seen, at })) = (name, levels.last_mut()) else {
        return;
    };
    let is_new = seen.insert(name.clone());
    *at = name;
    if !is_new && repeated.len() < limits::FAULTS_MAX {
        repeated.push(Fault {
            code: "duplicate_member".to_owned(),
            pointer: pointer_of(levels),
            detail: "this member is given twice".to_owned(),
        });
    }
}

fn pointer_of(levels: &[Level<'_>]) -> String {
    levels
        .iter()
        .fold(String::new(), |pointer, level| match level {
            Level::Object { at, .. } => format!("{pointer}/{}", escape(at)),
            Level::List { index } => format!("{pointer}/{index}"),
        })
}
