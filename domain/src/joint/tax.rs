//! Tax on the lines of a quote, as the shop's terms say how prices stand to it.

use crate::ordering::quote::QuoteLine;
use crate::ordering::tax::{PricesAre, TaxOverflow};
use crate::restaurant::restaurant::TaxMode;

/// Writes the tax of every line, see [`crate::ordering::tax::apply`]. Gives the tax that prices contain.
pub(super) fn apply(mode: TaxMode, lines: &mut Vec<QuoteLine>) -> Result<i64, TaxOverflow> {
    let prices = match mode {
        TaxMode::Inclusive => PricesAre::Gross,
        TaxMode::Exclusive => PricesAre::Net,
    };
    crate::ordering::tax::apply(prices, lines)
}
