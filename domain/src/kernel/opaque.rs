//! Names that others give: kept as they are, compared, never interpreted.

/// The longest such name, in bytes. Stripe documents at most 255 characters for its ids.
pub(crate) const OPAQUE_MAX: usize = 255;

/// The text cannot be a name that a vendor gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a vendor's name is 1 to 255 visible ASCII characters")]
pub struct OpaqueMalformed;

/// Makes newtypes over 1 to 255 visible ASCII characters.
macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the name.
            ///
            /// # Errors
            /// [`crate::kernel::opaque::OpaqueMalformed`] when it is empty, too long or not
            /// visible ASCII.
            pub fn parse(
                text: impl Into<String>,
            ) -> Result<Self, crate::kernel::opaque::OpaqueMalformed> {
                let text = text.into();
                let fits = (1..=crate::kernel::opaque::OPAQUE_MAX).contains(&text.len());
                if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    Ok(Self(text))
                } else {
                    Err(crate::kernel::opaque::OpaqueMalformed)
                }
            }

            /// The name's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::kernel::opaque::OpaqueMalformed;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+ };
}
pub(crate) use opaque;
