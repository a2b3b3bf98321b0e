//! Opening what is sealed in an order, as much of it as the reader may see.

use domain::kernel::address::Address;
use domain::kernel::sealed::Sealed;
use domain::kernel::text::Note;
use infra::http::ApiError;
use infra::vault::Vault;
use serde::Deserialize;
use serde_json::Value;

use crate::reveal::reveal;

/// How an order reaches its customer, as the view keeps it.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum SealedFulfilment {
    /// Brought to this address.
    Delivery {
        /// Sealed for the customer.
        address: Sealed<Address>,
    },
    /// Fetched at the counter.
    Pickup,
}

/// What a reader may see of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressView {
    /// All of it: the customer themselves, the assigned driver, our staff.
    Whole,
    /// The name only: the shop.
    Name,
}

/// The address or the name in it.
///
/// # Errors
/// When the view's document makes no sense or the vault cannot answer.
pub(crate) async fn open_address(
    vault: &Vault,
    fulfilment: Value,
    view: AddressView,
) -> Result<(Option<Address>, Option<String>), ApiError> {
    let sealed: SealedFulfilment =
        serde_json::from_value(fulfilment).map_err(ApiError::internal)?;
    match sealed {
        SealedFulfilment::Pickup => Ok((None, None)),
        SealedFulfilment::Delivery { address } => {
            let opened = reveal(vault, &address).await?;
            let Some(address) = opened else {
                return Ok((None, None));
            };
            let name = Some(address.name.as_str().to_owned());
            match view {
                AddressView::Whole => Ok((Some(address), name)),
                AddressView::Name => Ok((None, name)),
            }
        }
    }
}

/// Puts the opened note in place of the sealed one in each line.
///
/// # Errors
/// When a note makes no sense or the vault cannot answer.
pub(crate) async fn open_notes(vault: &Vault, lines: &mut [Value]) -> Result<(), ApiError> {
    for line in lines {
        let Some(note) = line.get_mut("note").filter(|note| !note.is_null()) else {
            continue;
        };
        let sealed: Sealed<Note> =
            serde_json::from_value(note.take()).map_err(ApiError::internal)?;
        let opened = reveal(vault, &sealed).await?;
        *note = opened.map_or(Value::Null, |note| Value::String(note.as_str().to_owned()));
    }
    Ok(())
}
