//! Why something was not sealed or opened.

use uuid::Uuid;

use crate::http::problem::{ApiError, Unavailable};

/// Why something was not sealed or opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VaultError {
    /// The key was destroyed: the person is forgotten, or the data's time is over.
    #[error("erased")]
    Erased,
    /// The envelope is not what was sealed, or not where it was sealed.
    #[error("a sealed value has been changed")]
    Tampered,
    /// There never was such a key.
    #[error("unknown key {0}")]
    UnknownKey(Uuid),
    /// The key cannot be unwrapped with the keyring of this process.
    #[error("key {0} cannot be unwrapped")]
    Unwrappable(Uuid),
    /// The version of the envelope is not known to this build.
    #[error("unknown envelope version {0}")]
    UnknownVersion(u8),
    /// The value is not of the type that it is sealed as.
    #[error("a sealed value has another form")]
    OtherForm,
    /// The vault is away.
    #[error("the vault is away")]
    Away(#[source] Unavailable),
}

impl From<VaultError> for Unavailable {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Away(unavailable) => unavailable,
            VaultError::Erased
            | VaultError::Tampered
            | VaultError::UnknownKey(_)
            | VaultError::Unwrappable(_)
            | VaultError::UnknownVersion(_)
            | VaultError::OtherForm => Self::broken(error),
        }
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Unavailable::from(error).into()
    }
}
