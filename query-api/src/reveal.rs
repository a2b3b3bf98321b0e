//! Opening sealed values at the edge, for the one answer that needs them. Nothing opened is kept.

use domain::kernel::sealed::Sealed;
use infra::http::ApiError;
use infra::vault::{Vault, VaultError};
use serde::de::DeserializeOwned;

/// The value; none when the person's data was erased.
///
/// # Errors
/// 503 when the vault is away, 500 when the value does not open.
pub(crate) async fn reveal<T: DeserializeOwned>(
    vault: &Vault,
    sealed: &Sealed<T>,
) -> Result<Option<T>, ApiError> {
    match vault.open(sealed).await {
        Ok(value) => Ok(Some(value)),
        Err(VaultError::Erased) => Ok(None),
        Err(error) => Err(infra::http::Unavailable::from(error).into()),
    }
}
