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

/// The values of a list, with at most one question to the vault's database; none where the person's data was erased.
///
/// # Errors
/// As [`reveal`] says.
pub(crate) async fn reveal_all<T: DeserializeOwned>(
    vault: &Vault,
    sealed: &[Sealed<T>],
) -> Result<Vec<Option<T>>, ApiError> {
    let opened = vault.open_all(sealed).await;
    let opened = opened.map_err(infra::http::Unavailable::from)?;
    opened
        .into_iter()
        .map(|opened| match opened {
            Ok(value) => Ok(Some(value)),
            Err(VaultError::Erased) => Ok(None),
            Err(error) => Err(infra::http::Unavailable::from(error).into()),
        })
        .collect()
}
