//! The demo marketplace: real shops of Taipei and Seoul with menus written for this project, opened
//! through the public API when the store is empty.

use anyhow::Context as _;
use futures::{TryStreamExt as _, stream};

use super::open_shop::{ShopPlan, open};
use crate::client::Door;
use crate::import::{Format, default_hours, plans, progress};

/// Shops opened at once: enough to keep the command side busy, few enough to answer each quickly.
const SHOPS_AT_ONCE: usize = 16;
/// Hours of shops whose source has none.
const HOURS: &str = "Mo-Su 11:00-22:00";

/// The embedded files with their formats.
pub(crate) fn sources() -> [(Format, &'static [u8]); 2] {
    [
        (
            Format::Osm,
            include_bytes!("data/taipei_openstreetmap.json"),
        ),
        (Format::Seoul, include_bytes!("data/seoul_register.csv")),
    ]
}

/// The shops of the demo marketplace.
///
/// # Errors
/// Never for the embedded files, which a test reads.
pub(crate) fn shops() -> anyhow::Result<Vec<ShopPlan>> {
    let hours = default_hours(HOURS)?;
    let mut shops = Vec::new();
    for (format, bytes) in sources() {
        shops.extend(plans(format, &format.parse(bytes)?, &hours));
    }
    Ok(shops)
}

/// Opens all shops of the demo marketplace and gives their number. Repeating it changes nothing.
///
/// # Errors
/// The first refusal or failure, with the shop's name.
pub(crate) async fn load_demo_marketplace(door: &Door) -> anyhow::Result<usize> {
    let ops = &door.ops(1).await?;
    let shops = shops()?;
    let count = shops.len();
    let bar = &progress(u64::try_from(count)?, "shops of the demo marketplace");
    stream::iter(shops.into_iter().map(Ok))
        .try_for_each_concurrent(SHOPS_AT_ONCE, |shop| async move {
            open(door, ops, &shop)
                .await
                .with_context(|| format!("cannot open {}", shop.name))?;
            bar.inc(1);
            anyhow::Ok(())
        })
        .await?;
    bar.finish_and_clear();
    Ok(count)
}
