//! The demo marketplace and `ramen demo`: one bowl from cart to door through the public API.
//!
//! `market`, `menus` and `open_shop` are also what `import` and `simulate` open shops with.

pub(crate) mod choose;
mod find;
mod journey;
pub(crate) mod market;
pub(crate) mod marketplace;
pub(crate) mod menus;
pub(crate) mod open_shop;
pub(crate) mod paper;
#[cfg(test)]
mod sold;
mod sold_out;
pub(crate) mod stocked;
mod told;

use clap::Args;

use crate::client::Door;
use journey::Journey;
pub(crate) use marketplace::load_demo_marketplace;

/// Arguments of `demo`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// Where the API is
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    base: String,
    /// Where the payment vendor's API is: the sandbox's
    #[arg(long, default_value = "http://127.0.0.1:7073")]
    vendor: String,
    /// Where the guest is, as `latitude,longitude`; Taipei's main station when not given
    #[arg(long, default_value = "25.0478,121.5170", value_parser = place, allow_hyphen_values = true)]
    near: (f64, f64),
}

impl DemoArgs {
    /// Where the API is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

/// Brings one bowl from cart to door and prints every hop.
///
/// # Errors
/// When a hop fails or its event is not seen in time.
pub(crate) async fn run(args: DemoArgs, door: &Door) -> anyhow::Result<()> {
    Journey::begin(door, &args.vendor, args.near)
        .await?
        .run()
        .await
}

fn place(text: &str) -> Result<(f64, f64), String> {
    let parsed = text.split_once(',').and_then(|(lat, lon)| {
        let (lat, lon) = (lat.trim().parse().ok()?, lon.trim().parse().ok()?);
        (f64::abs(lat) <= 90.0 && f64::abs(lon) <= 180.0).then_some((lat, lon))
    });
    parsed.ok_or_else(|| format!("'{text}' is not 'latitude,longitude'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_two_degrees() {
        assert_eq!(place("25.0478, 121.5"), Ok((25.0478, 121.5)));
        for bad in ["", "25", "x,y", "95,0", "NaN,0", "1,2,3"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }
}
