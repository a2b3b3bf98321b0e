//! Whole numbers within bounds: holding one is knowing that it is within them.

/// The number is not within the bounds, which the text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutOfBounds(pub(super) &'static str);

/// Makes a number with bounds: its type, how it is read and written, and the fault of what is not
/// within the bounds. What can be done with it is said beside each.
macro_rules! bounded {
    ($(
        $(#[$meta:meta])*
        $name:ident($number:ident as $serde:literal, $min:tt to $max:tt)
            => $code:literal, $text:literal
    );+ $(;)?) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
        #[serde(try_from = $serde, into = $serde)]
        #[schema(value_type = $number, minimum = $min, maximum = $max)]
        pub struct $name($number);

        impl TryFrom<$number> for $name {
            type Error = crate::kernel::bounded::OutOfBounds;

            fn try_from(number: $number) -> Result<Self, Self::Error> {
                if ($min..=$max).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(crate::kernel::bounded::OutOfBounds($text))
                }
            }
        }

        impl From<$name> for $number {
            fn from(bounded: $name) -> Self {
                bounded.0
            }
        }

        crate::kernel::collect::leaf!($name => $code);
    )+ };
}

pub(super) use bounded;
