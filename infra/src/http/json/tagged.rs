//! Bodies with alternatives, told apart by a `type` member.

use serde_json::Value;

/// Makes an enum with `#[serde(tag = "type")]` readable with all its faults: the `type` member picks the
/// alternative, the other members are read as that alternative's struct.
///
/// ```text
/// #[derive(Deserialize)]
/// #[serde(tag = "type", rename_all = "snake_case")]
/// enum SetFulfilment { Delivery(ToTheDoor), Pickup(Nothing) }
/// infra::collect_tagged!(SetFulfilment { "delivery" => Delivery(ToTheDoor), "pickup" => Pickup(Nothing) });
/// ```
#[macro_export]
macro_rules! collect_tagged {
    ($type:ty { $($tag:literal => $variant:ident($inner:ty)),+ $(,)? }) => {
        impl ::domain::kernel::collect::Collect for $type {
            fn collect(
                value: &::serde_json::Value,
                at: &::domain::kernel::fault::Pointer,
                faults: &mut ::domain::kernel::fault::Faults,
            ) -> Option<Self> {
                let (tag, rest) = $crate::http::json::split_tag(value, at, faults)?;
                match tag.as_str() {
                    $($tag => <$inner as ::domain::kernel::collect::Collect>::collect(&rest, at, faults)
                        .map(Self::$variant),)+
                    _ => {
                        let known = [$($tag),+].join(", ");
                        faults.add("type_unknown", &at.at("type"), format!("must be one of {known}"));
                        None
                    }
                }
            }
        }
    };
}

/// The `type` of an object, and the object without it. For [`collect_tagged!`](crate::collect_tagged).
#[doc(hidden)]
pub fn split_tag(
    value: &Value,
    at: &domain::kernel::fault::Pointer,
    faults: &mut domain::kernel::fault::Faults,
) -> Option<(String, Value)> {
    let Some(object) = value.as_object() else {
        faults.add("not_an_object", at, "expected an object");
        return None;
    };
    let mut rest = object.clone();
    match rest.remove("type") {
        Some(Value::String(tag)) => Some((tag, Value::Object(rest))),
        Some(_) => {
            faults.add("not_a_text", &at.at("type"), "expected a text");
            None
        }
        None => {
            faults.add("missing", &at.at("type"), "type is missing");
            None
        }
    }
}
