//! A place in a query string: `lat,lon` in degrees.

use domain::kernel::collect::Collect;
use domain::kernel::fault::{Faults, Pointer};
use domain::kernel::geo::GeoPoint;
use utoipa::ToSchema;

/// `lat,lon`, such as `35.66,139.70`.
#[derive(Clone, Copy, Debug, PartialEq, ToSchema)]
#[schema(value_type = String)]
pub(crate) struct PlaceParam(GeoPoint);

impl PlaceParam {
    /// The place.
    pub(crate) fn point(self) -> GeoPoint {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let (lat, lon) = text.split_once(',')?;
        GeoPoint::parse(lat.trim().parse().ok()?, lon.trim().parse().ok()?)
            .ok()
            .map(Self)
    }
}

impl Collect for PlaceParam {
    fn collect(value: &serde_json::Value, at: &Pointer, faults: &mut Faults) -> Option<Self> {
        let place = value.as_str().and_then(Self::parse);
        if place.is_none() {
            faults.add("place_malformed", at, "a place is `lat,lon` in degrees");
        }
        place
    }
}
